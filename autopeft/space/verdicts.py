"""What a constraint can come out as over a whole space: whether it forbids nothing, or everything.

Every value that the knobs of a comparison can have at a place is tried, of continuous ones both ends. What cannot be
decided so counts as open, and so does whatever rests on it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from autopeft.space.constraint_tree import Arithmetic, Comparison, KnobOf, Logic, Node, Not, Present, walk
from autopeft.space.domains import Continuous, OfRank
from autopeft.space.encoding import EVERYWHERE
from autopeft.space.knob_plan import KnobPlan
from autopeft.space.placed import MethodPlan
from autopeft.space.placement import Cell
from autopeft.space.rules import compare, joined_truth, rows_of
from autopeft.space.vocabulary import SECTIONS

__all__ = ["Verdicts"]

#: Combinations of values that are tried at one place.
_COMBINATIONS = 20_000

_OPEN = frozenset({True, False})


class Verdicts:
    """Decides constraints on a space that is bound to a backbone.

    Args:
        methods: The methods of the space.
        shared: Its knobs of training and of the data.
    """

    def __init__(self, methods: Sequence[MethodPlan], shared: Sequence[KnobPlan]) -> None:
        self._methods = {plan.words.name: plan for plan in methods}
        self._plans = {(plan.words.name, knob.knob.name): knob for plan in methods for knob in plan.knobs}
        self._plans |= {(section, plan.knob.name): plan for section in SECTIONS for plan in shared}

    def of(self, node: Node) -> frozenset[bool | None]:
        """Return what a condition may come out as: true, false, or None for nothing.

        What is not among them never happens; what is among them need not.
        """
        if isinstance(node, Present):
            return frozenset({True}) if self._certain(node.method) else _OPEN
        if isinstance(node, Not):
            return frozenset(None if inner is None else not inner for inner in self.of(node.inner))
        if isinstance(node, Logic):
            pairs = itertools.product(self.of(node.left), self.of(node.right))
            return frozenset(joined_truth(node.sign, left, right) for left, right in pairs)
        assert isinstance(node, Comparison)
        return self._comparison(node)

    def _certain(self, method: str) -> bool:
        """Tell whether a method is at all its places in every configuration."""
        plan = self._methods.get(method)
        return (
            plan is not None
            and plan.choice is None
            and plan.present is None
            and not plan.layer_bits
            and not plan.role_bits
            and (plan.gate is None or plan.gate.off is None)
        )

    def _comparison(self, node: Comparison) -> frozenset[bool | None]:
        knobs = [part for part in walk(node) if isinstance(part, KnobOf)]
        names = {knob.knob for knob in knobs}
        placed = {
            name: {place.cell: dict.fromkeys(names, place.cell) for place in plan.places}
            for name, plan in self._methods.items()
        }
        rows = {
            tuple(self._signature(knob, cell) for knob, cell in zip(knobs, row, strict=True)): row
            for row in rows_of(knobs, placed, dict.fromkeys(names, EVERYWHERE))
        }
        found = frozenset(verdict for row in rows.values() for verdict in self._row(node, knobs, row))
        certain = rows and None not in found and all(self._certain(knob.method) for knob in knobs)
        known = found - {None}
        return (known if len(known) == 1 else known and _OPEN) | (frozenset() if certain else {None})

    def _signature(self, knob: KnobOf, cell: Cell) -> tuple[Any, ...]:
        plan, gate = self._plan(knob), self._gate(knob)
        return knob.method, knob.knob, plan.names[cell], gate and gate.names[cell]

    def _row(self, node: Comparison, knobs: Sequence[KnobOf], cells: Sequence[Cell]) -> Iterator[bool | None]:
        """Yield what the comparison comes out as at one place."""
        axes: dict[str, Sequence[Any]] = {}
        read: dict[KnobOf, Callable[[Mapping[str, Any]], Any]] = {}
        for knob, cell in zip(knobs, cells, strict=True):
            read[knob] = self._reader(knob, cell, axes)
        ends = [
            self._plan(knob).names[cell]
            for knob, cell in zip(knobs, cells, strict=True)
            if isinstance(self._plan(knob).domain, Continuous)
        ]
        if math.prod(map(len, axes.values())) > _COMBINATIONS or (ends and not _monotone(node, ends)):
            yield from _OPEN
            return
        # Between two ends lies what equals neither, so there only an order that holds at both says something.
        signs = ("<", ">") if ends and node.sign in ("==", "!=") else (node.sign,)
        points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
        values = [{knob: of(point) for knob, of in read.items()} for point in points]
        if any(None in each.values() for each in values):
            yield None
        given = [each for each in values if None not in each.values()]
        verdicts = [{compare(Comparison(sign, node.left, node.right), each) for each in given} for sign in signs]
        if len(signs) == 1:
            yield from verdicts[0]
        elif {True} in verdicts:
            yield node.sign == "!="
        else:
            yield from _OPEN

    def _reader(self, knob: KnobOf, cell: Cell, axes: dict[str, Sequence[Any]]) -> Callable[[Mapping[str, Any]], Any]:
        """Add the axes on which a knob's value at a place depends; return what reads it off a point."""
        name = self._axis(self._plan(knob), knob.method, cell, axes)
        gate = self._gate(knob)
        of_gate = self._axis(gate, knob.method, cell, axes) if gate is not None else ""

        def read(point: Mapping[str, Any]) -> Any:
            value = point[name]
            return value.at(point[of_gate]) if isinstance(value, OfRank) else value

        return read

    def _axis(self, plan: KnobPlan, method: str, cell: Cell, axes: dict[str, Sequence[Any]]) -> str:
        name = plan.names[cell] or f"{method}.{plan.knob.name}"
        if isinstance(plan.domain, Continuous):
            axes[name] = (plan.domain.low, plan.domain.high)
        else:
            # Where the gate is off there is no place to compare.
            axes[name] = [value for value in plan.domain.values if value or not plan.knob.gate]
        return name

    def _plan(self, knob: KnobOf) -> KnobPlan:
        return self._plans[knob.method, knob.knob]

    def _gate(self, knob: KnobOf) -> KnobPlan | None:
        """Return the gate of a knob's method where its values are multiples of it."""
        values = self._plan(knob).domain
        relative = not isinstance(values, Continuous) and any(isinstance(value, OfRank) for value in values.values)
        return self._methods[knob.method].gate if relative else None


def _monotone(node: Comparison, ends: Sequence[str | None]) -> bool:
    """Tell whether the difference of both sides is monotone in continuous parameters, so that the ends tell all."""
    divides = any(isinstance(part, Arithmetic) and part.sign == "/" for part in walk(node))
    return not divides and len(set(ends)) == len(ends)
