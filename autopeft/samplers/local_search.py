"""Maximise an acquisition over the new points a budget allows.

Optimisers made for mixed spaces take linear constraints at most, which a budget of parameters is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from autopeft.samplers.points import AffordablePoints, Point

__all__ = ["maximise"]

#: Random affordable points the search may start from.
_DRAWS = 48

#: Neighbours of each front point it may start from.
_NEAR_FRONT = 8

#: Searches that climb in lockstep, so that each round is one batch; one that gains nothing ends.
_CLIMBERS = 4

#: Neighbours each climber tries a round.
_TRIES = 32

#: Rounds at most.
_ROUNDS = 8


def maximise(
    value: Callable[[Sequence[Point]], NDArray[np.float64]],
    points: AffordablePoints,
    front: Sequence[Point],
    seen: Set[str],
    rng: np.random.Generator,
) -> Point | None:
    """Find a new affordable point of high value.

    Args:
        value: The function to maximise, over many points at once.
        points: The points allowed; a small finite space is tried whole.
        front: Points whose neighbourhoods are worth a look.
        seen: Texts of configurations not to propose again.
        rng: The source of chance.

    Returns:
        The best point met, or None when no new point was met.
    """
    known: dict[str, float] = {}
    best: Point | None = None

    def evaluate(candidates: Sequence[Point]) -> list[Point]:
        """Value the candidates that are new; return those, best first."""
        nonlocal best
        fresh = {p.text: p for p in candidates if p.text not in seen and p.text not in known}
        if not fresh:
            return []
        known.update(zip(fresh, value(list(fresh.values())).tolist(), strict=True))
        ranked = sorted(fresh.values(), key=lambda p: -known[p.text])
        if best is None or known[ranked[0].text] > known[best.text]:
            best = ranked[0]
        return ranked

    if points.all is not None:
        evaluate(points.all)
        return best
    starts = [points.draw(rng) for _ in range(_DRAWS)]
    for point in front:
        starts += points.neighbours(point, rng, most=_NEAR_FRONT)
    climbers = evaluate(starts)[:_CLIMBERS]
    for _ in range(_ROUNDS):
        tries = [points.neighbours(climber, rng, most=_TRIES) for climber in climbers]
        evaluate([point for near in tries for point in near])
        ahead: dict[str, Point] = {}
        for climber, near in zip(climbers, tries, strict=True):
            steps = [point for point in near if point.text in known]
            top = max(steps, key=lambda point: known[point.text], default=climber)
            if known[top.text] > known[climber.text]:
                ahead.setdefault(top.text, top)
        climbers = list(ahead.values())
        if not climbers:
            break
    return best
