"""The probability above which a text is told to have a label: one for all labels, the best there is on some texts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["THRESHOLD", "best_threshold"]

#: What a model's config calls it.
THRESHOLD = "label_threshold"

#: Metrics that differ by less are equal: what is left is rounding.
_ROUNDING = 1e-12

#: Where no probability says anything.
_USUAL = 0.5


def best_threshold(metric: str, labels: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> float:
    """Return the threshold at which a metric is highest; of several that are as good the lowest.

    All there are come into question, each half way between two neighbouring probabilities, so that rounding moves no
    label across. Labels are told one by one, the most probable first; each changes F1 of its text or its label alone.

    Args:
        metric: A name of `autopeft.tasks.multilabel.METRICS`.
        labels: Which labels each text has, `[texts, labels]`.
        probabilities: How probable each is, likewise, in 0..1.
    """
    there, probable = labels.ravel(), probabilities.ravel()
    texts, names = (axis.ravel() for axis in np.indices(labels.shape))
    groups = {"micro_f1": np.zeros_like(texts), "macro_f1": names, "samples_f1": texts}[metric]
    order = np.argsort(-probable, kind="stable")
    ranked = probable[order]
    reached = np.cumsum(_gains(there[order], groups[order]))
    # Equal probabilities are told together or not at all; what is impossible is not told.
    ends = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True) & (ranked > 0))
    if not len(ends):
        return _USUAL
    best = ends[reached[ends] >= reached[ends].max() - _ROUNDING * max(1, groups.max())][-1]
    upper, lower = float(ranked[best]), float(ranked[best + 1]) if best + 1 < len(ranked) else 0.0
    between = (upper + lower) / 2
    return between if between < upper else lower


def _gains(there: NDArray[np.bool_], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much F1 of its group each told label adds, in the order in which they are told."""
    order = np.argsort(groups, kind="stable")
    by_group, right = groups[order], there[order].astype(np.float64)
    starts = np.flatnonzero(np.append(True, by_group[1:] != by_group[:-1]))
    sizes = np.diff(np.append(starts, len(by_group)))
    before = np.cumsum(right) - right
    hits = before + right - np.repeat(before[starts], sizes)
    told = np.arange(len(by_group)) - np.repeat(starts, sizes) + 1
    all_there = np.repeat(np.add.reduceat(right, starts), sizes)
    f1 = 2 * hits / (told + all_there)
    added = np.diff(f1, prepend=0.0)
    added[starts] = f1[starts]
    found = np.empty_like(added)
    found[order] = added
    return found
