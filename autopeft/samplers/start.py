"""The first trials: points that fill the space and spread over its costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from autopeft.samplers.features import Features
from autopeft.samplers.points import AffordablePoints, Point

__all__ = ["space_filling"]

#: Random points among which the farthest from all others is taken.
_DRAWS = 48

#: How much the log-cost counts in distances, in columns: accuracy depends on cost more than on any one knob.
_COST_WEIGHT = 4.0


def space_filling(
    points: AffordablePoints,
    features: Features,
    index: int,
    others: Sequence[Point],
    seen: Set[str],
    rng: np.random.Generator,
    promise: Callable[[Sequence[Point]], NDArray[np.float64]] | None = None,
) -> Point | None:
    """Propose the next point of a space-filling design.

    The costs follow a van der Corput sequence over the log of the budget; among random points near that cost,
    the one farthest from all others is taken, or, every other time, the one that promises most.

    Args:
        points: The points allowed.
        features: Their encoding.
        index: How many points the design has proposed already.
        others: Points to keep away from.
        seen: Texts of configurations not to propose again.
        rng: The source of chance.
        promise: What points promise, where something is known.

    Returns:
        A new point, or None when none was drawn.
    """
    bound = points.limit ** (level := _van_der_corput(index)) * points.cheapest.cost ** (1.0 - level)
    drawn: dict[str, Point] = {}
    for _ in range(_DRAWS):
        point = points.draw(rng)
        if point.cost > bound and points.all is None:
            point = points.within(point, max(int(bound), points.cheapest.cost), rng)
        if point.text not in seen:
            drawn.setdefault(point.text, point)
    if not drawn:
        return None
    target = features.log_cost(bound)
    candidates = sorted(drawn.values(), key=lambda point: abs(features.log_cost(point.cost) - target))
    candidates = candidates[: max(_DRAWS // 4, 1)]
    if promise is not None and index % 2 == 0:
        return candidates[int(promise(candidates).argmax())]
    if not others:
        return candidates[0]
    scale = np.sqrt(_COST_WEIGHT)
    here, there = features.encode(candidates), features.encode(others)
    here[:, -1] *= scale
    there[:, -1] *= scale
    squares = ((here[:, None, :] - there[None, :, :]) ** 2).sum(-1)
    return candidates[int(squares.min(axis=1).argmax())]


def _van_der_corput(index: int) -> float:
    """Return element `index` of 1, 1/2, 3/4, 1/4, 7/8, ...: the whole budget comes first."""
    value, base = 0.0, 0.5
    while index:
        value += base * (index & 1)
        index >>= 1
        base /= 2
    return 1.0 - value
