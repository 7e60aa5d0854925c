"""Where the values of one knob come from, and the places that bits open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autopeft.space.domains import Continuous, Grid, OfRank
from autopeft.space.parameters import significant
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob

__all__ = ["KnobPlan", "Params", "Place"]

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """One place a method may take, with the bits that open it (None: always open)."""

    cell: Cell
    layer_bit: str | None
    role_bit: str | None

    def open(self, params: Params) -> bool:
        """Tell whether the bits let the method in."""
        return (self.layer_bit is None or bool(params[self.layer_bit])) and (
            self.role_bit is None or bool(params[self.role_bit])
        )


@dataclass(frozen=True)
class KnobPlan:
    """Where a knob's value comes from.

    Args:
        knob: The knob.
        domain: Its values.
        names: The parameter that holds it at each place; None where it has a single value.
    """

    knob: Knob
    domain: Grid | Continuous
    names: Mapping[Cell, str | None]

    def value(self, params: Params, cell: Cell, rank: Any) -> Any:
        """Return the value at a place; `rank` is the gate knob's value there."""
        name = self.names[cell]
        if isinstance(self.domain, Continuous):
            return significant(params[str(name)])
        if name is None:
            value = self.domain.values[0]
        else:
            given = params[name]
            value = self.domain.values[given] if self.domain.ordered else given
        return value.at(rank) if isinstance(value, OfRank) else value

    def options(self, value: Any, rank: Any) -> tuple[Any, ...]:
        """Return the parameters that give a value, none when the domain does not have it."""
        if isinstance(self.domain, Continuous):
            return (value,) if value is not None and self.domain.low <= value <= self.domain.high else ()
        return tuple(
            index if self.domain.ordered else option
            for index, option in enumerate(self.domain.values)
            if (option.at(rank) if isinstance(option, OfRank) else option) == value
        )

    @property
    def off(self) -> int | None:
        """Index of `off` in the grid, when it is there."""
        if isinstance(self.domain, Grid) and self.knob.gate and 0 in self.domain.values:
            return self.domain.values.index(0)
        return None

    @property
    def on(self) -> int:
        """Index of the first value that is not `off`."""
        assert isinstance(self.domain, Grid)
        return next((index for index, value in enumerate(self.domain.values) if value != 0), 0)
