"""The one encoding of a configuration: from what is placed where to flat parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from autopeft.space.knob_plan import KnobPlan, Params
from autopeft.space.parameters import Parameter
from autopeft.space.placed import MethodPlan, Row
from autopeft.space.placement import Cell

__all__ = ["EVERYWHERE", "Encoder", "Rows"]

#: The rows of each method of a space, in the order of its methods.
Rows = Sequence[Sequence[Row]]

#: The place of what is the same everywhere.
EVERYWHERE = Cell(-1, None)


@dataclass(frozen=True)
class Encoder:
    """Finds the parameters that give what is placed; what does not matter gets its default.

    Args:
        parameters: What varies.
        methods: The methods of the space.
        shared: Its knobs of training and of the data.
    """

    parameters: tuple[Parameter, ...]
    methods: tuple[MethodPlan, ...]
    shared: tuple[KnobPlan, ...]

    def rows(self, params: Params) -> list[list[Row]]:
        """Return what is placed at a point."""
        return [method.rows(params) for method in self.methods]

    def encode(self, rows: Rows, shared: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the parameters that give these rows and shared values; None when there are none."""
        options = [method.encode(of_method) for method, of_method in zip(self.methods, rows, strict=True)]
        for params in self._candidates(rows, options, shared):
            if _same(self.rows(params), rows):
                return params
        return None

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The encoding of nothing at all: every gate off that can be, every bit set."""
        params = {parameter.name: parameter.default() for parameter in self.parameters}
        for method in self.methods:
            params |= dict.fromkeys(method.bits, 1)
            if method.gate is not None and method.gate.off is not None:
                params |= {name: method.gate.off for name in method.gate.names.values() if name}
        return params

    def _candidates(
        self, rows: Rows, options: Sequence[Mapping[str, Any] | None], shared: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """Yield encodings that may give the rows, the preferred one first."""
        settled = self._shared(shared)
        if settled is None or None in options:
            return
        choices = [(method, here) for method, here in zip(self.methods, rows, strict=True) if method.choice is not None]
        named = [method for method, here in choices if here]
        chosen_ones: list[MethodPlan | None] = [*(named or [method for method, _ in choices])]
        for chosen in chosen_ones or [None]:
            for absent_closed in (False, True):
                params = dict(self.defaults)
                if chosen is not None and "choose" in params:
                    params["choose"] = chosen.choice
                self._place(params, rows, options, absent_closed)
                params |= settled
                yield params

    def _place(
        self,
        params: dict[str, Any],
        rows: Rows,
        options: Sequence[Mapping[str, Any] | None],
        absent_closed: bool,
    ) -> None:
        occupied = {
            layer
            for method, here in zip(self.methods, rows, strict=True)
            if method.shares_layers
            for layer in _layers(here)
        }
        for method, here, found in zip(self.methods, rows, options, strict=True):
            if method.present is not None:
                # By this bit alone it comes back, with all others open.
                params[method.present] = int(bool(here))
            _set_bits(params, method.layer_bits, occupied if method.shares_layers else _layers(here), absent_closed)
            _set_bits(params, method.role_bits, {role for row in here for role in row.roles}, absent_closed)
            if here:
                # A layer or role that bits have closed remembers no `off`: opening it again shall matter.
                params |= dict.fromkeys(method.closed_gates(params), method.gate.on if method.gate else None)
            params |= found or {}

    def _shared(self, shared: Mapping[str, Any]) -> dict[str, Any] | None:
        found = {}
        for plan in self.shared:
            name = plan.names[EVERYWHERE]
            if name is None:
                continue
            if plan.knob.name in shared:
                options = plan.options(shared[plan.knob.name], None)
                if not options:
                    return None
                found[name] = options[0]
            elif plan.knob.unsaid and (options := plan.options(plan.knob.default, None)):
                found[name] = options[0]
        return found


def _same(some: Rows, others: Rows) -> bool:
    return all(
        [row.cells for row in one] == [row.cells for row in other] for one, other in zip(some, others, strict=True)
    )


def _layers(rows: Iterable[Row]) -> set[int]:
    return {row.layer for row in rows}


def _set_bits(params: dict[str, Any], bits: Mapping[Any, str], used: Iterable[Any], absent_closed: bool) -> None:
    used = set(used)
    if used or absent_closed:
        params |= {name: int(key in used) for key, name in bits.items()}
