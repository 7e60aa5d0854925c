"""Scores of groups in place of those of their examples, where examples come in groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["over_groups"]


def over_groups(scores: NDArray[np.float64], groups: Sequence[str]) -> NDArray[np.float64]:
    """Return scores of groups whose mean is that of all examples, each of which counts alike.

    Of a group they say how far its examples lie from that mean, summed: the linearised ratio of a cluster sample
    (Cochran 1977, "Sampling Techniques", section 9A.2), so that the variance of their mean is that of the mean of
    examples which are drawn in groups.

    Args:
        scores: Of each example, `[examples]`.
        groups: The group of each; none where examples stand alone.

    Returns:
        `[groups]`, in an order that depends on `groups` alone.
    """
    if not len(groups):
        return scores
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    mean = scores.mean()
    apart = np.bincount(place, scores - mean, len(names))
    found: NDArray[np.float64] = mean + apart * len(names) / len(scores)
    return found
