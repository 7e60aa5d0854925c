"""A metric as a mean over examples, so that models measured on the same examples can be compared in pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks import score

__all__ = ["scores_of_counts", "scores_of_predictions"]


def scores_of_predictions(
    metric: str, labels: NDArray[np.int64], predictions: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what each text has to do with a metric of predictions.

    Of accuracy these are 1 for right and 0 for wrong. Of a metric that is no mean they are the jackknife's
    pseudo-values, how much the metric of `n` texts would change without each, times `n - 1` (Efron and Stein 1981, "The
    jackknife estimate of variance"), moved so that their mean is the metric.

    Args:
        metric: A name of `METRICS`.
        labels: True classes, `[n]`.
        predictions: Predicted classes, `[n]`.
    """
    if metric == "accuracy":
        return (labels == predictions).astype(np.float64)
    whole = score(metric, labels, predictions)
    _, first, kind = np.unique(np.stack([labels, predictions]), axis=1, return_index=True, return_inverse=True)
    without = np.array([score(metric, np.delete(labels, i), np.delete(predictions, i)) for i in first])[kind.ravel()]
    return whole + (len(labels) - 1) * (without.mean() - without)


def scores_of_counts(right: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each example has to do with the share of right tokens among the tokens of all.

    A ratio as a mean (Cochran 1977, "Sampling Techniques", chapter 6): an example counts as much as it is long.

    Args:
        right: Right tokens of each example, `[n]`.
        count: Learned tokens of each example, `[n]`.
    """
    share = right.sum() / count.sum()
    return share + (right - share * count) / count.mean()
