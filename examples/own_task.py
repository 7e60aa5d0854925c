"""A kind of task of your own: ratings, whose labels have an order that a classifier does not know.

    autopeft search --plugin examples/own_task.py --kind rating --data reviews.csv --text text --label stars

Near misses cost less than far ones, in training and in the metric. `autopeft plugin kind` prints this file.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from autopeft.tasks import Metric, Sample, Source
from autopeft.tasks.classification import Classification, confusion
from autopeft.trials import Measured, register_kind
from autopeft.trials.classification import ClassificationTrials
from autopeft.trials.example_scores import pseudo_values


class Rating(Classification):
    """How it is read: as texts with labels are, which are sorted by their numbers."""

    name = "rating"
    summary = "one of some labels that have an order, such as stars"
    samples = (Sample("reviews.csv", "text,stars\nA fine film.,5\nTwo hours that I will miss.,1\n", "--label stars"),)
    metrics: ClassVar[dict[str, Metric]] = {
        "kappa": Metric(worst=-1.0, unit="text", mean=False),
        "distance": Metric(worst=100.0, unit="text", direction="minimize"),
    }

    def recognise(self, source: Source) -> None:
        """Be asked for by --kind: numbers alone do not tell whether their order means anything."""


class RatingTrials(ClassificationTrials):
    """How it is learned and measured; the head, cards and predictions are those of a classifier."""

    does = "rates texts"

    def loss_of(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Add to the cross-entropy how far off the expected label is, in shares of the scale."""
        levels = torch.arange(self.outputs, device=logits.device, dtype=logits.dtype)
        off = (logits.softmax(dim=1) @ levels - labels) / (self.outputs - 1)
        return cross_entropy(logits, labels) + off.square().mean()

    def measured(self, labels: torch.Tensor, logits: torch.Tensor) -> Measured:
        """Return kappa and distance in place of a classifier's metrics."""
        found = super().measured(labels, logits)
        truth, told = labels.numpy(), logits.argmax(dim=1).numpy()
        figures = {"kappa": kappa(truth, told, self.outputs), "distance": float(np.abs(truth - told).mean())}
        return Measured(figures, found.labels, found.confusion)

    def scores(self, metric: str, labels: torch.Tensor, logits: torch.Tensor) -> np.ndarray:
        """Return what each text has to do with a metric; kappa is no mean over them."""
        truth, told = labels.numpy(), logits.argmax(dim=1).numpy()
        if metric == "distance":
            return np.abs(truth - told).astype(float)
        without = [kappa(np.delete(truth, i), np.delete(told, i), self.outputs) for i in range(len(truth))]
        return pseudo_values(kappa(truth, told, self.outputs), np.array(without))


def kappa(truth: np.ndarray, told: np.ndarray, labels: int) -> float:
    """Return Cohen's kappa with quadratic weights (Cohen 1968): 1 for agreement, 0 for chance."""
    counts = confusion(truth, told, labels).astype(float)
    weights = np.square(np.subtract.outer(np.arange(labels), np.arange(labels)))
    chance = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    worst = float((weights * chance).sum())
    return 1.0 - float((weights * counts).sum()) / worst if worst else 0.0


register_kind(Rating(), RatingTrials)
