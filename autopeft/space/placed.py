"""How one method of a bound space gets its places and values from the flat parameters, and back."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from autopeft.space.knob_plan import KnobPlan, Params, Place
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import MethodWords

__all__ = ["MethodPlan", "Row"]

#: Rows that a method remembers; beyond it the memory is emptied (a row is cheap to make again).
_REMEMBERED = 4_096


@dataclass(frozen=True, eq=False)
class Row:
    """What a method is in one layer.

    Args:
        layer: The layer.
        cells: The places it takes there, at least one, with the values of all its knobs.
        options: The parameters that give these values, by name; no options where nothing gives them.
    """

    layer: int
    cells: Mapping[Cell, Mapping[str, Any]]
    options: Mapping[str, tuple[Any, ...]]

    @cached_property
    def roles(self) -> frozenset[str | None]:
        """The roles it takes there."""
        return frozenset(cell.role for cell in self.cells)


class _Layer(NamedTuple):
    layer: int
    places: tuple[Place, ...]
    #: Reads from a point what matters to this layer.
    relevant: Callable[[Params], Hashable]


@dataclass(frozen=True)
class MethodPlan:
    """One method of a bound space.

    Args:
        words: The method.
        choice: Its value of the parameter `choose`; None when it is not one of several.
        present: Name of the bit that says whether it is there at all; None when it has none.
        shares_layers: Whether its layer bits are those shared by all modules.
        layer_bits: Names of its layer bits by layer, empty when it has none.
        role_bits: Names of its role bits by role, empty when it has none.
        knobs: Its knobs, the gate first.
        places: All places it may take.
    """

    words: MethodWords
    choice: str | None
    present: str | None
    shares_layers: bool
    layer_bits: Mapping[int, str]
    role_bits: Mapping[str, str]
    knobs: tuple[KnobPlan, ...]
    places: tuple[Place, ...]

    @property
    def gate(self) -> KnobPlan | None:
        """The knob that can take the method out of a place."""
        return self.knobs[0] if self.knobs and self.knobs[0].knob.gate else None

    @property
    def bits(self) -> tuple[str, ...]:
        """The names of the bits that say whether it is there, in which layers and at which roles."""
        present = [] if self.present is None else [self.present]
        return (*present, *self.layer_bits.values(), *self.role_bits.values())

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all its parameters, `choose` aside."""
        return frozenset({*self.bits, *(name for plan in self.knobs for name in plan.names.values() if name)})

    def chosen(self, params: Params) -> bool:
        """Tell whether this method is among those of the configuration."""
        if self.present is not None and not params[self.present]:
            return False
        return self.choice is None or params["choose"] == self.choice

    def cells(self, params: Params) -> dict[Cell, Mapping[str, Any]]:
        """Return the places the method takes, with the values of all its knobs."""
        return {cell: values for row in self.rows(params) for cell, values in row.cells.items()}

    def rows(self, params: Params) -> list[Row]:
        """Return the method layer by layer, layers without it left out."""
        if not self.chosen(params):
            return []
        known = self._known
        found = []
        for layer in self._layers:
            key = (layer.layer, layer.relevant(params))
            if key not in known:
                if len(known) >= _REMEMBERED:
                    known.clear()
                cells = dict(self._cells(layer.places, params))
                known[key] = self._row(layer.layer, cells) if cells else None
            row = known[key]
            if row is not None:
                found.append(row)
        return found

    def rows_of(self, placed: Mapping[Cell, Mapping[str, Any]]) -> list[Row] | None:
        """Return the method layer by layer as a configuration has it; None when it is never in one of its places."""
        by_layer: dict[int, dict[Cell, Mapping[str, Any]]] = {}
        known = {place.cell for place in self.places}
        for cell, values in placed.items():
            if cell not in known:
                return None
            by_layer.setdefault(cell.layer, {})[cell] = values
        return [self._row(layer, cells) for layer, cells in sorted(by_layer.items())]

    def encode(self, rows: Iterable[Row]) -> dict[str, Any] | None:
        """Return the parameters, bits aside, that give these rows; None when there are none."""
        options: dict[str, tuple[Any, ...]] = {}
        for row in rows:
            for name, fitting in row.options.items():
                known = options.setdefault(name, fitting)
                if known != fitting:
                    options[name] = tuple(option for option in known if option in fitting)
        return {name: fitting[0] for name, fitting in options.items()} if all(options.values()) else None

    def closed_gates(self, params: Params) -> list[str]:
        """Return the gate knob's parameters whose places are all closed by bits."""
        return [
            name
            for name, bits in self._gate_bits.items()
            if not any((not layer or params[layer]) and (not role or params[role]) for layer, role in bits)
        ]

    def _row(self, layer: int, cells: Mapping[Cell, Mapping[str, Any]]) -> Row:
        options: dict[str, tuple[Any, ...]] = {}
        for cell, values in cells.items():
            rank = values[self.gate.knob.name] if self.gate else None
            for plan in self.knobs:
                fitting = plan.options(values[plan.knob.name], rank)
                name = plan.names[cell]
                if name is not None and name in options:
                    fitting = tuple(option for option in options[name] if option in fitting)
                if name is not None or not fitting:
                    options[name or plan.knob.name] = fitting
        return Row(layer, cells, options)

    def _cells(self, places: Sequence[Place], params: Params) -> Iterator[tuple[Cell, dict[str, Any]]]:
        for place in places:
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

    @cached_property
    def _known(self) -> dict[Hashable, Row | None]:
        return {}

    @cached_property
    def _gate_bits(self) -> dict[str, list[tuple[str | None, str | None]]]:
        """The pairs of bits that open the places of each parameter of the gate knob."""
        found: dict[str, dict[tuple[str | None, str | None], None]] = {}
        for place in self.places:
            name = self.gate.names[place.cell] if self.gate else None
            if name is not None:
                found.setdefault(name, {})[place.layer_bit, place.role_bit] = None
        return {name: list(bits) for name, bits in found.items()}

    @cached_property
    def _layers(self) -> list[_Layer]:
        found = []
        for layer, group in groupby(self.places, key=lambda place: place.cell.layer):
            places = tuple(group)
            names = [place.layer_bit for place in places] + [place.role_bit for place in places]
            names += [plan.names[place.cell] for place in places for plan in self.knobs]
            distinct = tuple(dict.fromkeys(name for name in names if name))
            found.append(_Layer(layer, places, itemgetter(*distinct) if distinct else lambda params: None))
        return found

    def active(self, params: Params) -> set[str]:
        """Return the parameters of this method that matter here."""
        found = {self.present or ""}
        if not self.chosen(params):
            return found - {""}
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
                if not plan.options(value, rank):
                    return f"{self.words.name}.{plan.knob.name} is never {value} at {where}"
        return None
