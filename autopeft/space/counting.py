"""How many configurations a space has on a backbone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from autopeft.space.bound import BoundSpace
from autopeft.space.constraint_tree import KnobOf, walk
from autopeft.space.encoding import EVERYWHERE
from autopeft.space.knob_plan import Params
from autopeft.space.placed import MethodPlan, Row

__all__ = ["Count", "count_configurations"]

#: Points, and rows of all of them together, that are looked at before counting falls back to a bound.
_POINTS, _ROWS = 100_000, 2_000_000


@dataclass(frozen=True)
class Count:
    """The number of different configurations.

    Args:
        number: Their number, continuous knobs counted as having one value.
        exact: Whether it is exact; else there are at most so many.
        continuous: Names of the continuous knobs.
    """

    number: int
    exact: bool
    continuous: tuple[str, ...]

    def __str__(self) -> str:
        number = f"{'' if self.exact else 'at most '}{self.number:,}"
        if not self.continuous:
            return f"{number} configurations"
        return f"{number} configurations, each with a continuum of {' and '.join(self.continuous)}"


def count_configurations(space: BoundSpace) -> Count:
    """Count the different configurations of a space that its constraints allow, budgets aside.

    Methods that have nothing to do with each other are counted one by one. Where that is too long, each point is
    counted as a configuration of its own.
    """
    return _Counter(space).count()


class _Counter:
    def __init__(self, space: BoundSpace) -> None:
        self.space = space
        self.exact = True
        self.left = min(_POINTS, _ROWS // max(1, sum(len(method.places) for method in space.methods)))
        self.shared = {plan.knob.name: plan.value(space.defaults, EVERYWHERE, None) for plan in space.shared}
        self.rows: dict[Row, int] = {}
        self.contents: dict[Hashable, int] = {}

    def count(self) -> Count:
        total, empty = 1, True
        for methods in self._parts():
            number, has_empty = self._part(methods)
            total *= number
            empty = empty and has_empty
        shared = self._shared()
        own = {knob.name for method in self.space.methods for knob in method.words.knobs}
        told = {part.knob for rule in self.space.rules for part in walk(rule.node) if isinstance(part, KnobOf)}
        continuous = tuple(sorted(parameter.name for parameter in self.space.parameters if parameter.size is None))
        # Which values a knob of the sections has, or whether it has one, may then depend on the methods.
        if (own | told) & shared.keys() or told & {name.split(".")[1] for name in continuous}:
            self.exact = False
        return Count((total - empty) * math.prod(shared.values()) + empty, self.exact, continuous)

    def _parts(self) -> list[list[MethodPlan]]:
        """Return the methods in groups that can be counted apart."""
        methods = self.space.methods
        if self.space.rules:
            return [list(methods)]
        tied = [method for method in methods if method.shares_layers or method.choice is not None]
        if not any(method.shares_layers and method.choice is None for method in tied):
            alone = [method for method in methods if method.choice is None]
            chosen = [method for method in methods if method.choice is not None]
            return [*([method] for method in alone), *([chosen] if chosen else [])]
        return [*([method] for method in methods if method not in tied), tied]

    def _part(self, methods: list[MethodPlan]) -> tuple[int, bool]:
        """Return how many different things methods can be together, and whether nothing at all is one of them."""
        if self.space.rules or not _alike_in_layers(methods):
            return self._together(methods)
        # Whatever they are, they are in any but no layer; with no layer they are nothing.
        bits = methods[0].layer_bits.values()
        each = [self._together([method], frozenset(bits)) for method in methods]
        something = math.prod(number for number, _ in each) - all(empty for _, empty in each)
        return (2 ** len(bits) - 1) * something + 1, True

    def _together(self, methods: list[MethodPlan], fixed: frozenset[str] = frozenset()) -> tuple[int, bool]:
        """Return the same by going through all values of their parameters but some, which keep their defaults."""
        choices: list[str | None] = [method.choice for method in methods if method.choice is not None]
        choices = choices or [None]
        axes = {choice: self._axes([m for m in methods if m.choice in (None, choice)], fixed) for choice in choices}
        points = sum(math.prod(map(len, of_choice.values())) for of_choice in axes.values())
        if points > self.left:
            self.exact = False
            return points, False
        self.left -= points
        found = set()
        for choice, of_choice in axes.items():
            for values in itertools.product(*of_choice.values()):
                point = {**self.space.defaults, **dict(zip(of_choice, values, strict=True)), "choose": choice}
                if self._allowed(methods, point):
                    found.add(tuple(tuple([self._id(row) for row in method.rows(point)]) for method in methods))
        return len(found), tuple(() for _ in methods) in found

    def _axes(self, methods: list[MethodPlan], fixed: frozenset[str]) -> dict[str, list[Any]]:
        """Return the finitely many values of each parameter of some methods."""
        names = {name for method in methods for name in method.names} - fixed
        return {
            parameter.name: parameter.every()
            for parameter in self.space.parameters
            if parameter.name in names and parameter.size is not None
        }

    def _shared(self) -> dict[str, int]:
        """Return how many values each knob of the sections has, continuous ones aside."""
        knobs = {plan.names[EVERYWHERE]: plan.knob.name for plan in self.space.shared}
        return {knobs[each.name]: each.size for each in self.space.parameters if each.name in knobs and each.size}

    def _allowed(self, methods: list[MethodPlan], point: Params) -> bool:
        if not self.space.rules:
            return True
        placed = {method.words.name: method.cells(point) for method in methods}
        return all(rule.allows(placed, self.shared) for rule in self.space.rules)

    def _id(self, row: Row) -> int:
        """Return a number that rows with the same content share."""
        known = self.rows.get(row)
        if known is None:
            content = tuple((cell, tuple(values.items())) for cell, values in row.cells.items())
            known = self.rows[row] = self.contents.setdefault(content, len(self.contents))
        return known


def _alike_in_layers(methods: list[MethodPlan]) -> bool:
    """Tell whether the same layer bits open all places of some methods, and nothing else tells layers apart."""
    bits = methods[0].layer_bits
    return bool(bits) and all(
        method.choice is None and method.layer_bits == bits and _same_in_layers(method) for method in methods
    )


def _same_in_layers(method: MethodPlan) -> bool:
    by_layer: dict[int, list[Hashable]] = {}
    for place in method.places:
        names = tuple(plan.names[place.cell] for plan in method.knobs)
        by_layer.setdefault(place.cell.layer, []).append((place.cell.role, place.role_bit, names))
    first, *others = by_layer.values()
    return all(other == first for other in others)
