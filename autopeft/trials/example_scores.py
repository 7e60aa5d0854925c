"""A metric as a mean over examples, so that models measured on the same examples can be compared in pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["pseudo_values", "scores_of_counts"]


def pseudo_values(whole: float, without: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each of `n` units has to do with a metric that is no mean of them.

    The jackknife's pseudo-values, how much the metric would change without each, times `n - 1` (Efron and Stein 1981,
    "The jackknife estimate of variance"), moved so that their mean is the metric.

    Args:
        whole: The metric.
        without: The metric without each unit, `[n]`.
    """
    return whole + (len(without) - 1) * (without.mean() - without)


def scores_of_counts(right: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each example has to do with the share of right tokens among the tokens of all.

    A ratio as a mean (Cochran 1977, "Sampling Techniques", chapter 6): an example counts as much as it is long.

    Args:
        right: Right tokens of each example, `[n]`.
        count: Learned tokens of each example, `[n]`.
    """
    share = right.sum() / count.sum()
    return share + (right - share * count) / count.mean()
