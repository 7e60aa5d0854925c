"""Trials of classification: a new head, one label a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from autopeft.tasks import Task
from autopeft.tasks.classification import METRICS, Classes, confusion, score
from autopeft.trials.classification.scores import scores_of_predictions
from autopeft.trials.measured import LabelResult, Measured
from autopeft.trials.named_labels import NamedLabels
from autopeft.trials.prediction import Prediction
from autopeft.trials.script import Script
from autopeft.trials.text_kind import TextTrials, named_texts

__all__ = ["ClassificationTrials"]


class ClassificationTrials(NamedLabels, TextTrials):
    """Which of some labels a text has."""

    does = "classifies texts"
    problem_type: ClassVar[str | None] = "single_label_classification"
    scripted = True
    mixes = True
    contrasts = True
    schema: Classes

    def loss_of(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy."""
        return cross_entropy(logits, labels)

    def measured(self, labels: torch.Tensor, logits: torch.Tensor) -> Measured:
        """Return every metric, the result by label, and which labels were taken for which."""
        truth, told = labels.numpy(), logits.argmax(dim=1).numpy()
        counts = confusion(truth, told, self.outputs)
        return Measured(
            {name: score(name, truth, told) for name in METRICS},
            _by_label(self.schema.labels, counts),
            tuple(tuple(row) for row in counts.tolist()),
        )

    def scores(self, metric: str, labels: torch.Tensor, logits: torch.Tensor) -> np.ndarray:
        """Return for each text what it has to do with a metric."""
        return scores_of_predictions(metric, labels.numpy(), logits.argmax(dim=1).numpy())

    def predictions(self, logits: torch.Tensor, how: Any) -> list[Prediction]:
        """Return the label of each text, with the probabilities of all."""
        labels, found = self.schema.labels, []
        for row in logits.softmax(dim=1).double().cpu().numpy():
            best = np.argsort(-row, kind="stable")
            found.append(Prediction(labels[best[0]], {labels[number]: float(row[number]) for number in best}))
        return found

    def spoken(self) -> list[str]:
        """Return the lines that print the label of each text."""
        return [
            "for text, probabilities in zip(texts, logits.softmax(dim=-1)):",
            "    best = int(probabilities.argmax())",
            "    print(text, config.id2label[best], float(probabilities[best]))",
        ]

    def script(self, task: Task, tokenizer: Any, max_length: int) -> Script:
        """Return a script for rows of texts with the names of their labels."""
        rows = {name: partial(_rows, task, name) for name in ("train", "validation")}
        return Script(__package__ or "", {"labels": list(self.schema.labels)}, rows, "text and label")


def _rows(task: Task, split: str) -> Iterator[Mapping[str, Any]]:
    """Yield rows of `text`, `text2` for pairs, and `label`, which is a name."""
    found = task.splits[split]
    for text, label in zip(found.texts, found.labels, strict=True):
        yield {**named_texts(text), "label": task.schema.labels[label]}


def _by_label(labels: Iterable[str], confusion: NDArray[np.int64]) -> tuple[LabelResult, ...]:
    """Return the result of each label, by counts `[true, predicted]`."""
    right, given, having = confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1)
    return tuple(
        LabelResult.of(label, *map(int, counts)) for label, *counts in zip(labels, right, given, having, strict=True)
    )
