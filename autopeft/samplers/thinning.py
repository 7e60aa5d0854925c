"""What a model is conditioned on of a long history."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autopeft.samplers.history import Observation

__all__ = ["MOST_TOLD", "kept"]

#: Observations that the model is conditioned on at most: fitting it takes seconds beyond.
MOST_TOLD = 250


def kept(told: Sequence[Observation]) -> list[Observation]:
    """Return the observations that the model is conditioned on: all, up to the most it can take in seconds.

    Beyond that, half of them are those nearest below the front, the other half are evenly spaced over the rest
    by cost; the others are dropped.

    Args:
        told: Observations by cost.
    """
    if len(told) <= MOST_TOLD:
        return list(told)
    order = sorted(range(len(told)), key=lambda i: told[i].point.cost)
    best = np.maximum.accumulate([-np.inf if told[i].failed else told[i].accuracy for i in order])
    below = np.empty(len(told))
    below[order] = best - [told[i].accuracy for i in order]
    ranked = np.argsort(below, kind="stable")
    near, rest = ranked[: MOST_TOLD // 2], np.sort(ranked[MOST_TOLD // 2 :])
    spaced = rest[np.linspace(0, len(rest) - 1, MOST_TOLD - len(near)).astype(int)]
    return [told[i] for i in sorted([*near, *spaced])]
