"""How one method of a bound space gets its places and values from the flat parameters, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autopeft.space.domains import Continuous, Grid, OfRank
from autopeft.space.parameters import significant
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["KnobPlan", "MethodPlan", "Place"]

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

    def params_for(self, value: Any, rank: Any) -> Any:
        """Return the parameter that gives a value; None when the domain does not have it."""
        if isinstance(self.domain, Continuous):
            return value if self.domain.low <= value <= self.domain.high else None
        for index, option in enumerate(self.domain.values):
            if (option.at(rank) if isinstance(option, OfRank) else option) == value:
                return index if self.domain.ordered else option
        return None

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


@dataclass(frozen=True)
class MethodPlan:
    """One method of a bound space.

    Args:
        words: The method.
        choice: Its value of the parameter `choose`; None when it is always there.
        shares_layers: Whether its layer bits are those shared by all modules.
        layer_bits: Names of its layer bits by layer, empty when it has none.
        role_bits: Names of its role bits by role, empty when it has none.
        knobs: Its knobs, the gate first.
        places: All places it may take.
    """

    words: MethodWords
    choice: str | None
    shares_layers: bool
    layer_bits: Mapping[int, str]
    role_bits: Mapping[str, str]
    knobs: tuple[KnobPlan, ...]
    places: tuple[Place, ...]

    @property
    def gate(self) -> KnobPlan | None:
        """The knob that can take the method out of a place."""
        return self.knobs[0] if self.knobs and self.knobs[0].knob.gate else None

    def chosen(self, params: Params) -> bool:
        """Tell whether this method is among those of the configuration."""
        return self.choice is None or params["choose"] == self.choice

    def cells(self, params: Params) -> dict[Cell, dict[str, Any]]:
        """Return the places the method takes, with the values of all its knobs."""
        return dict(self._cells(params)) if self.chosen(params) else {}

    def _cells(self, params: Params) -> Iterator[tuple[Cell, dict[str, Any]]]:
        for place in self.places:
            if not place.open(params):
                continue
            rank: Any = None
            values: dict[str, Any] = {}
            for plan in self.knobs:
                value = plan.value(params, place.cell, rank)
                if plan.knob.gate:
                    if value == 0:
                        break
                    rank = value
                values[plan.knob.name] = value
            else:
                yield place.cell, values

    def active(self, params: Params) -> set[str]:
        """Return the parameters of this method that matter here."""
        if not self.chosen(params):
            return set()
        found: set[str] = set()
        gate = self.gate
        for place in self.places:
            on = gate is None or gate.value(params, place.cell, None) != 0
            role_open = place.role_bit is None or bool(params[place.role_bit])
            layer_open = place.layer_bit is None or bool(params[place.layer_bit])
            if gate is not None and role_open and layer_open:
                found.add(gate.names[place.cell] or "")
            if on and role_open and place.layer_bit:
                found.add(place.layer_bit)
            if on and layer_open and place.role_bit:
                found.add(place.role_bit)
            if on and role_open and layer_open:
                found.update(plan.names[place.cell] or "" for plan in self.knobs)
        # Closed by its own bits everywhere, any bit or the gate may open it again.
        if not any(place.open(params) for place in self.places):
            found.update(bit for place in self.places for bit in (place.layer_bit, place.role_bit) if bit)
        return found - {""}

    def misfit(self, placed: Mapping[Cell, Mapping[str, Any]]) -> str | None:
        """Say which place or value the method never has; None when it can have each by itself."""
        known = {place.cell for place in self.places}
        for cell, values in placed.items():
            where = f"layer {cell.layer}" + (f", {cell.role}" if cell.role else "")
            if cell not in known:
                return f"{self.words.name} is never at {where}"
            rank = values[self.gate.knob.name] if self.gate else None
            for plan in self.knobs:
                value = values[plan.knob.name]
                if plan.params_for(value, rank) is None:
                    return f"{self.words.name}.{plan.knob.name} is never {value} at {where}"
        return None

    def encode(self, placed: Mapping[Cell, Mapping[str, Any]]) -> dict[str, Any] | None:
        """Return the parameters, bits aside, that give these places; None when a value is not in the space.

        Where the method is absent its parameters keep their defaults, `off` where the gate has it.
        """
        params: dict[str, Any] = {}
        for place in self.places:
            values = placed.get(place.cell)
            for plan in self.knobs:
                name = plan.names[place.cell]
                if values is None:
                    continue
                value = plan.params_for(values[plan.knob.name], values[self.gate.knob.name] if self.gate else None)
                if value is None or (name is not None and params.setdefault(name, value) != value):
                    return None
        return params
