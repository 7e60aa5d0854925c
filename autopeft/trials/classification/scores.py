"""What each text has to do with a metric of classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks.classification import score
from autopeft.trials.example_scores import pseudo_values

__all__ = ["scores_of_predictions"]


def scores_of_predictions(
    metric: str, labels: NDArray[np.int64], predictions: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what each text has to do with a metric of predictions: of accuracy 1 for right and 0 for wrong.

    Args:
        metric: A name of `METRICS`.
        labels: True classes, `[n]`.
        predictions: Predicted classes, `[n]`.
    """
    if metric == "accuracy":
        return (labels == predictions).astype(np.float64)
    _, first, kind = np.unique(np.stack([labels, predictions]), axis=1, return_index=True, return_inverse=True)
    # Texts with the same label and the same prediction change a metric alike.
    without = np.array([score(metric, np.delete(labels, i), np.delete(predictions, i)) for i in first])[kind.ravel()]
    return pseudo_values(score(metric, labels, predictions), without)
