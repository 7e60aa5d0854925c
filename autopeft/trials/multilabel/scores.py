"""What each text has to do with a metric of several labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks.multilabel import METRICS, f1, f1_of_texts
from autopeft.trials.example_scores import pseudo_values

__all__ = ["scores_of_sets"]

#: Texts that are left out, each in turn, at once.
_AT_ONCE = 256


def scores_of_sets(metric: str, labels: NDArray[np.bool_], predictions: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what each text has to do with a metric; their mean is the metric.

    Args:
        metric: A name of `METRICS`.
        labels: Which labels each text has, `[texts, labels]`.
        predictions: Which it is told to have, likewise.
    """
    if metric == "samples_f1":
        return f1_of_texts(labels, predictions)
    right = labels & predictions
    both = labels.astype(np.float64) + predictions
    without = np.empty(len(labels))
    for start in range(0, len(labels), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        if metric == "micro_f1":
            rest = f1(right.sum() - right[some].sum(axis=1, dtype=np.float64), both.sum() - both[some].sum(axis=1))
        else:
            rest = f1(right.sum(axis=0, dtype=np.float64) - right[some], both.sum(axis=0) - both[some]).mean(axis=1)
        without[some] = rest
    return pseudo_values(METRICS[metric](labels, predictions), without)
