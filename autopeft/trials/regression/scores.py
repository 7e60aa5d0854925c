"""What each text has to do with a correlation or a share of variance: the metric without it, for all texts at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from autopeft.tasks.regression.metrics import METRICS, is_constant
from autopeft.trials.example_scores import pseudo_values

__all__ = ["scores_of_numbers"]

Values = NDArray[np.float64]

#: Texts whose ranks without each of so many others are computed at once.
_AT_ONCE = 256

#: A smaller share of a sum of squares is what subtraction leaves of nothing.
_ROUNDING = 1e-12


def scores_of_numbers(metric: str, labels: Values, predictions: Values) -> Values:
    """Return what each text has to do with a metric; their mean is the metric.

    Args:
        metric: A name of `METRICS`.
        labels: What is to be told, `[n]`.
        predictions: What is told, `[n]`.
    """
    whole = METRICS[metric](labels, predictions)
    if len(labels) < 3 or is_constant(labels) or is_constant(predictions):
        return np.full(len(labels), whole)
    without = {"pearson": _pearson, "spearman": _spearman, "r2": _r2}[metric]
    return pseudo_values(whole, np.nan_to_num(without(labels, predictions)))


def _pearson(labels: Values, predictions: Values) -> Values:
    """Return the correlation without each text, from sums without it."""
    n = len(labels) - 1
    x, y = labels - labels.mean(), predictions - predictions.mean()
    # Centred once, the means without a text are what it takes along.
    mean_x, mean_y = -x / n, -y / n
    xx, yy, xy = (a @ b - a * b for a, b in ((x, x), (y, y), (x, y)))
    xx, yy = _varying(xx - n * mean_x**2, x @ x), _varying(yy - n * mean_y**2, y @ y)
    xy = xy - n * mean_x * mean_y
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(xy / np.sqrt(xx * yy), -1.0, 1.0)


def _varying(rest: Values, whole: float) -> Values:
    """Return sums of squares without each text, nan where nothing but rounding is left of that of all."""
    return np.where(rest > _ROUNDING * whole, rest, np.nan)


def _spearman(labels: Values, predictions: Values) -> Values:
    """Return the correlation of ranks without each text: those above it fall by 1, equals by a half."""
    found = np.empty(len(labels))
    x, y = rankdata(labels), rankdata(predictions)
    for start in range(0, len(labels), _AT_ONCE):
        chosen = np.arange(start, min(start + _AT_ONCE, len(labels)))
        kept = np.ones((len(chosen), len(labels)))
        kept[np.arange(len(chosen)), chosen] = 0.0
        ranks = []
        for values, rank in ((labels, x), (predictions, y)):
            beside = values[chosen][:, None]
            fallen = rank - (values > beside) - 0.5 * (values == beside)
            ranks.append(kept * (fallen - (kept * fallen).sum(axis=1, keepdims=True) / (len(labels) - 1)))
        one, other = ranks
        with np.errstate(invalid="ignore", divide="ignore"):
            found[chosen] = (one * other).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return found


def _r2(labels: Values, predictions: Values) -> Values:
    """Return the share of variance that is told without each text, at least -1."""
    n = len(labels) - 1
    missed = np.square(labels - predictions)
    x = labels - labels.mean()
    there = _varying(x @ x - x**2 - x**2 / n, x @ x)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.maximum(-1.0, 1.0 - (missed.sum() - missed) / there)
