"""The cheapest and the dearest configuration of a space on a backbone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autopeft.errors import ConfigurationError
from autopeft.space.bound import BoundSpace
from autopeft.space.canonical import build
from autopeft.space.configuration import Configuration
from autopeft.space.domains import Continuous, OfRank
from autopeft.space.knob_plan import KnobPlan, Params
from autopeft.space.placed import MethodPlan
from autopeft.space.placement import Cell

__all__ = ["Extreme", "extremes"]

#: Random configurations that are looked at where constraints forbid the corners of a space.
_DRAWS = 200

#: Combinations of a method's knobs that are tried at a place.
_COMBINATIONS = 64


@dataclass(frozen=True)
class Extreme:
    """The cheapest or the dearest configuration.

    Args:
        configuration: The configuration.
        cost: What it costs.
        exact: Whether none goes beyond it; else it is the best one found.
    """

    configuration: Configuration
    cost: int
    exact: bool


def extremes(space: BoundSpace, cost: Callable[[Configuration], int]) -> tuple[Extreme, Extreme]:
    """Find the cheapest configuration that costs anything and the dearest one, budgets aside.

    A configuration that has some place has all places that come with it, and each costs at least its cheapest
    values: a sum that bounds the costs from below, and likewise from above. An extreme that meets its bound is
    exact; that holds where costs add up over places and grow with the gate knobs.

    Args:
        space: The space on a backbone.
        cost: The exact cost of a configuration.

    Raises:
        ConfigurationError: When the space has nothing that costs anything, or its constraints allow next to nothing.
    """
    search = _Search(space, cost)
    low, low_bound = search.lowest()
    high, high_bound = search.highest()
    found = [each for each in {*low, *high} if space.allows(each)]
    if space.rules:
        rng = np.random.default_rng(0)
        found += [space.decode(space.sample(rng)) for _ in range(_DRAWS)]
    priced = [(price, each) for each in dict.fromkeys(found) if (price := int(cost(each))) > 0]
    if not priced:
        raise ConfigurationError(f"the space {space.name!r} has no configuration with a trainable parameter")
    cheapest, dearest = min(priced, key=_price), max(priced, key=_price)
    return (
        Extreme(cheapest[1], cheapest[0], cheapest[0] == low_bound),
        Extreme(dearest[1], dearest[0], dearest[0] == high_bound),
    )


def _price(priced: tuple[int, Configuration]) -> int:
    return priced[0]


class _Search:
    """Corners of a space, and the bounds they are measured by."""

    def __init__(self, space: BoundSpace, cost: Callable[[Configuration], int]) -> None:
        self.space = space
        self.cost = cost
        self.known: dict[tuple[str, Cell, bool], tuple[int, Mapping[str, Any]]] = {}
        self.telling: dict[str, list[str]] = {}
        chosen = [method.choice for method in space.methods if method.choice is not None]
        self.choices: list[str | None] = [*chosen] or [None]

    def lowest(self) -> tuple[list[Configuration], int]:
        """Return the smallest configurations, one for each method and choice, and a bound from below."""
        best: dict[tuple[str, str | None], tuple[int, Params]] = {}
        for choice in self.choices:
            for method in self.space.methods:
                if method.choice not in (None, choice):
                    continue
                for index in range(len(method.places)):
                    point = self._smallest(method, index, choice)
                    bound, point = self._bound(point, dearest=False)
                    key = (method.words.name, choice)
                    if bound and bound < best.get(key, (math.inf, point))[0]:
                        best[key] = (bound, point)
        bounds = [bound for bound, _ in best.values()]
        return [self.space.decode(point) for _, point in best.values()], min(bounds, default=0)

    def highest(self) -> tuple[list[Configuration], int]:
        """Return the largest configuration of each choice, and a bound from above."""
        found = []
        for choice in self.choices:
            point = {**self.space.defaults, "choose": choice}
            for method in self.space.methods:
                point |= dict.fromkeys(method.bits, 1)
                point |= _gates(method, dearest=True)
            found.append(self._bound(point, dearest=True))
        return [self.space.decode(point) for _, point in found], max(bound for bound, _ in found)

    def _smallest(self, method: MethodPlan, index: int, choice: str | None) -> dict[str, Any]:
        """Return the point with nothing but one place of a method and what cannot be without it."""
        point = {**self.space.defaults, "choose": choice}
        for other in self.space.methods:
            point |= dict.fromkeys(other.bits, 0)
            if other.gate is not None and other.gate.off is None:
                point |= _gates(other, dearest=False)
        place = method.places[index]
        point |= dict.fromkeys(filter(None, (method.present, place.layer_bit, place.role_bit)), 1)
        name = method.gate.names[place.cell] if method.gate else None
        if name is not None and method.gate is not None:
            point[name] = method.gate.on
        return point

    def _bound(self, point: Params, dearest: bool) -> tuple[int, dict[str, Any]]:
        """Return the sum of the extreme costs of a point's places, and the point with values that may have it."""
        total, found = 0, dict(point)
        for method in self.space.methods:
            settings: Mapping[str, Any] = {}
            for cell in method.cells(point):
                cost, best = self._cell(method, cell, dearest)
                total += cost
                settings = settings or best
            for plan in method.knobs:
                if plan.knob.name in settings:
                    found |= dict.fromkeys(filter(None, plan.names.values()), settings[plan.knob.name])
        return total, found

    def _cell(self, method: MethodPlan, cell: Cell, dearest: bool) -> tuple[int, Mapping[str, Any]]:
        """Return the lowest or highest cost of one place by itself, and the parameters that give it, by knob."""
        key = (method.words.name, cell, dearest)
        if key not in self.known:
            rank = _gate_value(method, dearest)
            costs = [
                (self._price(method, cell, {name: value for name, (_, value) in setting.items()}, rank), setting)
                for setting in itertools.islice(self._settings(method, rank), _COMBINATIONS)
            ]
            cost, best = (max if dearest else min)(costs, key=lambda found: found[0])
            self.known[key] = cost, {name: option for name, (option, _) in best.items()}
        return self.known[key]

    def _settings(self, method: MethodPlan, rank: Any) -> Iterator[dict[str, tuple[Any, Any]]]:
        """Yield the combinations of the knobs that have a say in the cost."""
        names = self._telling(method)
        axes = [_values(plan, rank) for plan in method.knobs if plan.knob.name in names]
        return (dict(zip(names, values, strict=True)) for values in itertools.product(*axes))

    def _telling(self, method: MethodPlan) -> list[str]:
        """Return the knobs, the gate aside, that change what the method's first place costs."""
        if method.words.name not in self.telling:
            rank = _gate_value(method, dearest=True)
            self.telling[method.words.name] = [
                plan.knob.name
                for plan in method.knobs
                if not plan.knob.gate
                and len(
                    {
                        self._price(method, method.places[0].cell, {plan.knob.name: value}, rank)
                        for _, value in _values(plan, rank)
                    }
                )
                > 1
            ]
        return self.telling[method.words.name]

    def _price(self, method: MethodPlan, cell: Cell, given: Mapping[str, Any], rank: Any) -> int:
        values = {
            plan.knob.name: rank if plan.knob.gate else given.get(plan.knob.name, _values(plan, rank)[0][1])
            for plan in method.knobs
        }
        return int(self.cost(build({method.words.name: {cell: values}}, {}, self.space.vocabulary)))


def _gate_value(method: MethodPlan, dearest: bool) -> Any:
    if method.gate is None:
        return None
    present = [value for _, value in _values(method.gate, None) if value]
    return max(present) if dearest else min(present)


def _gates(method: MethodPlan, dearest: bool) -> dict[str, Any]:
    """Return the parameters of the gate knob at its largest value, or at its smallest that is not off."""
    if method.gate is None:
        return {}
    options = [option for option, value in _values(method.gate, None) if value]
    return dict.fromkeys(filter(None, method.gate.names.values()), options[-1] if dearest else options[0])


def _values(plan: KnobPlan, rank: Any) -> Sequence[tuple[Any, Any]]:
    """Return the parameters of a knob with the values they give; of a continuous one both ends."""
    if isinstance(plan.domain, Continuous):
        return [(end, end) for end in (plan.domain.low, plan.domain.high)]
    return [
        (index if plan.domain.ordered else value, value.at(rank) if isinstance(value, OfRank) else value)
        for index, value in enumerate(plan.domain.values)
    ]
