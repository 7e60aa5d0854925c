"""How well several labels are told: F1, 1 where all is right, 0 where nothing is told and nothing there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["METRICS", "f1", "f1_of_texts", "indicators"]

#: Of each text whether it has each label, `[texts, labels]`.
Indicators = NDArray[np.bool_]


def indicators(sets: Sequence[Sequence[int]], labels: int) -> Indicators:
    """Return which labels each text has.

    Args:
        sets: The numbers of the labels of each.
        labels: How many labels there are.
    """
    found = np.zeros((len(sets), labels), dtype=np.bool_)
    rows = np.repeat(np.arange(len(sets)), [len(each) for each in sets])
    found[rows, np.fromiter((number for each in sets for number in each), np.int64, len(rows))] = True
    return found


def f1(right: NDArray[np.float64], both: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F1; 0 where nothing is told and nothing there.

    Args:
        right: How many labels are told rightly.
        both: How many are told, and how many there are, together.
    """
    return np.divide(2 * right, both, out=np.zeros_like(both), where=both > 0)


def micro_f1(labels: Indicators, predictions: Indicators) -> float:
    """Return F1 of all pairs of a text and a label together, in 0..1."""
    right, both = _counts(labels, predictions, axis=None)
    return float(f1(right, both))


def macro_f1(labels: Indicators, predictions: Indicators) -> float:
    """Return the plain mean of the labels' F1, in 0..1."""
    return float(f1(*_counts(labels, predictions, axis=0)).mean())


def samples_f1(labels: Indicators, predictions: Indicators) -> float:
    """Return the plain mean of the texts' F1, in 0..1."""
    return float(f1_of_texts(labels, predictions).mean())


def f1_of_texts(labels: Indicators, predictions: Indicators) -> NDArray[np.float64]:
    """Return F1 of each text, `[texts]`."""
    return f1(*_counts(labels, predictions, axis=1))


def _counts(
    labels: Indicators, predictions: Indicators, axis: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many are told rightly, and how many are told and there, together; 1 each for what is both."""
    right = np.asarray((labels & predictions).sum(axis=axis), dtype=np.float64)
    return right, np.asarray(labels.sum(axis=axis) + predictions.sum(axis=axis), dtype=np.float64)


#: Each of what is there and what is told, `[texts, labels]`; equal to scikit-learn's with `zero_division=0`.
METRICS: Mapping[str, Callable[[Indicators, Indicators], float]] = {
    "micro_f1": micro_f1,
    "macro_f1": macro_f1,
    "samples_f1": samples_f1,
}
