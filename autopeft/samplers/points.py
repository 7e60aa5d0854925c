"""The points of a space that a budget allows, and the ways to come by them."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from autopeft.errors import BudgetError
from autopeft.space import BoundSpace, Configuration

__all__ = ["AffordablePoints", "Cost", "Params", "Point", "cheapest_cost"]

Params = Mapping[str, Any]
Cost = Callable[[Configuration], int]

#: Spaces with at most this many points are enumerated; larger ones are searched.
_ENUMERABLE = 2_000

#: Random points from which the search for the cheapest configuration descends.
_DESCENTS = 4

#: Random points among which a draw looks for a method that has something cheap enough.
_SAMPLES = 16

#: Points kept in memory; beyond it the memory is emptied (a point is cheap to make again).
_REMEMBERED = 50_000


@dataclass(frozen=True, eq=False)
class Point:
    """A point of a space: its canonical parameters, what they stand for and what that costs."""

    params: Params
    configuration: Configuration
    cost: int

    @property
    def text(self) -> str:
        """The configuration's text: what makes two points the same."""
        return self.configuration.text

    @cached_property
    def lot(self) -> int:
        """A number that is drawn by lot and always the same, as to choose among points."""
        return zlib.crc32(self.text.encode())


class AffordablePoints:
    """The points of a space whose cost is within a limit.

    Args:
        space: The space, bound to a backbone.
        cost: The exact cost of a configuration.
        limit: The highest cost allowed, inclusive.

    Raises:
        BudgetError: When no configuration of the space, the untouched backbone aside, fits.
    """

    def __init__(self, space: BoundSpace, cost: Cost, limit: int) -> None:
        self.space = space
        self.limit = limit
        self._cost = cost
        self._distributions = space.distributions()
        self._known: dict[tuple[Any, ...], Point] = {}
        self._anchors: dict[str, Point] = {}
        if self.cheapest.cost > limit:
            raise BudgetError(
                f"no configuration of the space {space.name!r} fits the budget of {limit:,} trainable "
                f"parameters: the cheapest found has {self.cheapest.cost:,}; expected a budget of at least that, "
                "or a space with smaller sizes"
            )

    def point(self, params: Params) -> Point:
        """Return the point at `params`, in canonical encoding, whatever it costs."""
        # What is remembered is canonical: a study's trials are read again for every proposal.
        known = self._known.get(self._key(params))
        return self._canonical(self.space.canonical(params)) if known is None else known

    def affordable(self, point: Point) -> bool:
        """Return whether a point is within the limit and the space's constraints allow it."""
        return self._fits(point, self.limit)

    @cached_property
    def all(self) -> list[Point] | None:
        """Every affordable point of a small finite space, each configuration once; None for other spaces."""
        every = self._every
        return None if every is None else [point for point in every if self.affordable(point)]

    @cached_property
    def cheapest(self) -> Point:
        """The cheapest point whose cost is not 0: exact in a small space, otherwise the best of a search."""
        candidates = self._every if self._every is not None else [self._descend(i) for i in range(_DESCENTS)]
        found = self._cheapest_of(candidates)
        if found is None:
            raise BudgetError(
                f"the constraints of the space {self.space.name!r} forbid all its configurations; widen one"
            )
        return found

    def draw(self, rng: np.random.Generator) -> Point:
        """Draw a random affordable point, spread over costs as well as over the space.

        A draw walks towards the cheapest point of its method, knob by knob in random order, until its cost is below
        a bound drawn log-uniformly: uniform draws of a space cluster at its high costs.
        """
        if self.all is not None:
            return self.all[rng.integers(len(self.all))]
        low = np.log(self.cheapest.cost)
        bound = max(int(np.exp(rng.uniform(low, max(np.log(self.limit), low)))), self.cheapest.cost)
        # A method that has nothing so cheap gives way to another one drawn, not to the cheapest of all.
        drawn = (self._canonical(self.space.sample(rng)) for _ in range(_SAMPLES))
        fitting = (point for point in drawn if self._anchor(point).cost <= bound)
        point = next(fitting, None)
        return self.cheapest if point is None else self.within(point, bound, rng)

    def within(self, point: Point, bound: int, rng: np.random.Generator) -> Point:
        """Return a point no costlier than `bound` that keeps as much of `point` as may be.

        Args:
            point: Where to start.
            bound: The cost to get to, but not to 0; at least that of the cheapest point.
            rng: Decides the order in which knobs are given up.
        """
        if self._fits(point, bound):
            return point
        own = self._anchor(point)
        anchor = (own if own.cost <= bound else self.cheapest).params
        names = [name for name in point.params if point.params[name] != anchor[name]]
        params = dict(point.params)
        given_up: list[str] = []
        for index in rng.permutation(len(names)):
            given_up.append(names[index])
            params[names[index]] = anchor[names[index]]
            if self._holds(params, bound):
                break
        for name in given_up:
            for value in self._towards(name, point.params[name], anchor[name]):
                if self._holds({**params, name: value}, bound):
                    params[name] = value
                    break
        return self.point(params)

    def neighbours(self, point: Point, rng: np.random.Generator, most: int) -> list[Point]:
        """Return up to `most` affordable points one step away, in random order."""
        found: dict[str, Point] = {}
        for params in self.space.neighbours(point.params, rng):
            near = self._canonical(params)
            if self.affordable(near) and near.text != point.text:
                found.setdefault(near.text, near)
                if len(found) == most:
                    break
        return list(found.values())

    def new_near(self, point: Point, seen: Set[str], rng: np.random.Generator) -> Point | None:
        """Return a new affordable point at or near `point`, or None when a thorough search finds none.

        Args:
            point: Where to look first; may be over the limit.
            seen: Texts of configurations that were proposed before.
            rng: The source of chance.
        """
        point = self.within(point, self.limit, rng)
        if point.text not in seen:
            return point
        if self.all is not None:
            remaining = [each for each in self.all if each.text not in seen]
            return remaining[rng.integers(len(remaining))] if remaining else None
        for _ in range(8):
            near = self.neighbours(point, rng, most=64)
            new = [each for each in near if each.text not in seen]
            if new:
                return new[0]
            point = near[0] if near else self.draw(rng)
        draws = (self.draw(rng) for _ in range(512))
        return next((drawn for drawn in draws if drawn.text not in seen), None)

    def _canonical(self, params: Params) -> Point:
        """Return the point at parameters that are in canonical encoding already."""
        key = self._key(params)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            configuration = self.space.decode(params)
            found = self._known[key] = Point(params, configuration, int(self._cost(configuration)))
        return found

    def _key(self, params: Params) -> tuple[Any, ...]:
        return tuple(params[parameter.name] for parameter in self.space.parameters)

    def _towards(self, name: str, value: Any, anchor: Any) -> Sequence[Any]:
        """Return `value` and, on an ordered grid, the values from there to before `anchor`."""
        if isinstance(self._distributions[name], IntDistribution):
            return range(value, anchor, 1 if anchor > value else -1)
        return (value,)

    def _fits(self, point: Point, bound: int) -> bool:
        return point.cost <= bound and self.space.allows(point.configuration)

    def _holds(self, params: Params, bound: int) -> bool:
        """Return whether an allowed configuration, not of cost 0, is at `params`, no costlier than `bound`."""
        configuration = self.space.decode(params)
        return 0 < int(self._cost(configuration)) <= bound and self.space.allows(configuration)

    @cached_property
    def _every(self) -> list[Point] | None:
        size = self.space.size
        if size is None or size > _ENUMERABLE:
            return None
        points: dict[str, Point] = {}
        for params in _grid(self._distributions):
            point = self.point(params)
            points.setdefault(point.text, point)
        return list(points.values())

    def _anchor(self, point: Point) -> Point:
        """Return the cheapest point of the method that `point` has of the space's choice; without one, of all."""
        choice = point.params.get("choose")
        if choice is None or self._every is not None:
            return self.cheapest
        if choice not in self._anchors:
            self._anchors[choice] = self._cheapest_of([self._descend(0, {"choose": choice})]) or self.cheapest
        return self._anchors[choice]

    def _cheapest_of(self, points: Iterable[Point]) -> Point | None:
        allowed = (point for point in points if self.space.allows(point.configuration))
        return min(allowed, key=_nonzero_cost, default=None)

    def _descend(self, seed: int, fixed: Params = MappingProxyType({})) -> Point:
        """Return the cheapest point found from random ones by steps, all with the parameters `fixed`."""
        rng = np.random.default_rng(seed)
        draws = [self.point({**self.space.sample(rng), **fixed}) for _ in range(32)]
        best = min(draws, key=_nonzero_cost)
        improved = True
        while improved:
            improved = False
            for params in self.space.neighbours(best.params, rng):
                if any(params[name] != value for name, value in fixed.items()):
                    continue
                near = self._canonical(params)
                if _nonzero_cost(near) < _nonzero_cost(best):
                    best, improved = near, True
                    break
        return best


def _nonzero_cost(point: Point) -> float:
    return point.cost or math.inf


def cheapest_cost(space: BoundSpace, cost: Cost) -> int:
    """Return the cheapest non-zero cost of a space: exact when the space is small, otherwise by search.

    Returns:
        The cost, or 0 when the space holds nothing but the untouched backbone.
    """
    return AffordablePoints(space, cost, _UNLIMITED).cheapest.cost


_UNLIMITED = 2**63 - 1


def _grid(distributions: Mapping[str, BaseDistribution]) -> Iterator[Params]:
    axes = [_values(distribution) for distribution in distributions.values()]
    return (dict(zip(distributions, values, strict=True)) for values in itertools.product(*axes))


def _values(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, IntDistribution):
        return list(range(distribution.low, distribution.high + 1, distribution.step))
    assert isinstance(distribution, CategoricalDistribution), "a finite space has only grids"
    return list(distribution.choices)
