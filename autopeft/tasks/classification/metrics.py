"""How well classes are told: higher is better, 1 is perfect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["METRICS", "accuracy", "confusion", "macro_f1", "mcc", "score"]


def confusion(labels: ArrayLike, predictions: ArrayLike, classes: int | None = None) -> NDArray[np.int64]:
    """Count pairs of true and predicted classes.

    Args:
        labels: True classes, shape `[n]`.
        predictions: Predicted classes, shape `[n]`.
        classes: How many classes there are; those that occur when left out.

    Returns:
        Counts `[true class, predicted class]`.
    """
    truth, guess = np.asarray(labels, dtype=np.int64), np.asarray(predictions, dtype=np.int64)
    if truth.shape != guess.shape or truth.ndim != 1 or truth.size == 0:
        raise ValueError(f"labels {truth.shape} and predictions {guess.shape} must be equal, flat and not empty")
    if classes is None:
        classes = int(max(truth.max(), guess.max())) + 1
    return np.bincount(truth * classes + guess, minlength=classes * classes).reshape(classes, classes)


def accuracy(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Return the share of predictions that are right, in 0..1."""
    counts = confusion(labels, predictions).astype(np.float64)
    return float(np.trace(counts) / counts.sum())


def macro_f1(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Return the plain mean of F1 over the classes that occur in labels or predictions, in 0..1."""
    counts = confusion(labels, predictions).astype(np.float64)
    occurrences = counts.sum(axis=0) + counts.sum(axis=1)
    present = occurrences > 0
    return float(np.mean(2 * np.diag(counts)[present] / occurrences[present]))


def mcc(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Return Matthews' correlation coefficient, in -1..1; 0 when labels or predictions are all one class."""
    counts = confusion(labels, predictions).astype(np.float64)
    total, truth, guess = counts.sum(), counts.sum(axis=1), counts.sum(axis=0)
    covariance = np.trace(counts) * total - truth @ guess
    spread = (total**2 - guess @ guess) * (total**2 - truth @ truth)
    return float(covariance / np.sqrt(spread)) if spread > 0 else 0.0


METRICS: Mapping[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "mcc": mcc,
}


def score(metric: str, labels: Sequence[int] | ArrayLike, predictions: Sequence[int] | ArrayLike) -> float:
    """Return a metric of predictions.

    Args:
        metric: A name of `METRICS`.
        labels: True classes, shape `[n]`.
        predictions: Predicted classes, shape `[n]`.
    """
    return METRICS[metric](labels, predictions)
