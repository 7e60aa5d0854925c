"""The methods of a space that takes one a configuration: each is tried before others go on for long."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
from optuna.distributions import CategoricalDistribution

from autopeft.samplers.points import AffordablePoints, Point

__all__ = ["untried_alternative"]

#: The parameter that says which method it is.
_CHOICE = "choose"

#: Draws of an alternative's knobs before it counts as one that the budget forbids.
_DRAWS = 64


def untried_alternative(
    points: AffordablePoints, tried: Sequence[Point], behind: int, seen: Set[str], rng: np.random.Generator
) -> Point | None:
    """Propose a first configuration of a method that has none yet, its knobs drawn at random.

    Args:
        points: The points allowed.
        tried: What has been proposed.
        behind: How many of the untried are left to others, who were asked before.
        seen: Texts of configurations not to propose again.
        rng: The source of chance.

    Returns:
        A new point, or None where there is no choice, or every affordable method has been tried.
    """
    choice = points.space.distributions().get(_CHOICE)
    if not isinstance(choice, CategoricalDistribution):
        return None
    known = {point.params.get(_CHOICE) for point in tried}
    left = [name for name in choice.choices if name not in known]
    for index in rng.permutation(len(left)):
        point = _first_of(points, left[index], seen, rng)
        if point is not None:
            if behind == 0:
                return point
            behind -= 1
    return None


def _first_of(points: AffordablePoints, name: object, seen: Set[str], rng: np.random.Generator) -> Point | None:
    for _ in range(_DRAWS):
        point = points.point({**points.space.sample(rng), _CHOICE: name})
        if points.affordable(point) and point.cost and point.text not in seen:
            return point
    return None
