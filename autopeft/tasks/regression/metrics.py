"""How well numbers are told: 1 is perfect, and what always tells the same number is worth 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

__all__ = ["METRICS", "is_constant", "mean_absolute_error", "pearson", "r2", "spearman"]

Values = NDArray[np.float64]

#: Numbers that differ by less than this share of their size are one number: what is left is rounding.
_ROUNDING = 1e-9


def is_constant(values: Values) -> bool:
    """Tell whether numbers do not vary."""
    return bool(np.ptp(values) <= _ROUNDING * np.abs(values).max())


def pearson(labels: Values, predictions: Values) -> float:
    """Return the correlation of two series, in -1..1; 0 where one of them is constant.

    Args:
        labels: What is to be told, `[n]`.
        predictions: What is told, `[n]`.
    """
    if is_constant(labels) or is_constant(predictions):
        return 0.0
    x, y = labels - labels.mean(), predictions - predictions.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def spearman(labels: Values, predictions: Values) -> float:
    """Return the correlation of the ranks of two series, equal numbers at their mean rank; arguments as `pearson`."""
    if is_constant(labels) or is_constant(predictions):
        return 0.0
    return pearson(rankdata(labels), rankdata(predictions))


def r2(labels: Values, predictions: Values) -> float:
    """Return the share of the variance that is told, at least -1; 0 for a constant; arguments as `pearson`."""
    if is_constant(labels) or is_constant(predictions):
        return 0.0
    missed, there = np.square(labels - predictions).sum(), np.square(labels - labels.mean()).sum()
    return max(-1.0, float(1.0 - missed / there))


def mean_absolute_error(labels: Values, predictions: Values) -> float:
    """Return the mean absolute difference, in the unit of the labels; arguments as `pearson`."""
    return float(np.abs(labels - predictions).mean())


METRICS: Mapping[str, Callable[[Values, Values], float]] = {"pearson": pearson, "spearman": spearman, "r2": r2}
