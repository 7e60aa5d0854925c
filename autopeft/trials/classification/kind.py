"""Trials of classification: a new head, one label a text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from transformers import PretrainedConfig

from autopeft.errors import ConfigurationError
from autopeft.tasks import Task
from autopeft.tasks.classification import METRICS, Classes, confusion, score
from autopeft.trials.classification.scores import scores_of_predictions
from autopeft.trials.measured import LabelResult, Measured
from autopeft.trials.prediction import Prediction
from autopeft.trials.script import Script
from autopeft.trials.text_kind import TextTrials

__all__ = ["ClassificationTrials"]

#: Fewer examples of a label rank configurations badly.
_LEAST_PER_LABEL = 20


class ClassificationTrials(TextTrials):
    """Which of some labels a text has."""

    does = "classifies texts"
    problem_type: ClassVar[str | None] = "single_label_classification"
    scripted = True
    schema: Classes

    @property
    def outputs(self) -> int:
        """How many labels there are."""
        return len(self.schema.labels)

    def least_examples(self, task: Task) -> int:
        """Return how many training examples a trial needs for all labels."""
        return _LEAST_PER_LABEL * self.outputs

    def configure(self, config: PretrainedConfig) -> None:
        """Write the names of the labels."""
        super().configure(config)
        config.num_labels = self.outputs
        config.id2label = dict(enumerate(self.schema.labels))
        config.label2id = {label: number for number, label in enumerate(self.schema.labels)}

    def check_whole(self, config: PretrainedConfig) -> None:
        """Check the number of labels."""
        if config.num_labels != self.outputs:
            raise ConfigurationError(f"it tells {config.num_labels} labels, but {self.outputs} are named")

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

    def card_sections(self) -> list[str]:
        """List the labels as JSON, one a line: whatever is in a name, it stays on its line and is no markup."""
        lines = ",\n".join(f"  {json.dumps(label, ensure_ascii=False)}" for label in self.schema.labels)
        return ["## Labels", f"```json\n[\n{lines}\n]\n```"]

    def script(self, task: Task, tokenizer: Any, max_length: int) -> Script:
        """Return a script for rows of texts with the names of their labels."""
        rows = {name: partial(_rows, task, name) for name in ("train", "validation")}
        return Script(__package__ or "", {"labels": list(self.schema.labels)}, rows, "text and label")


def _rows(task: Task, split: str) -> Iterator[Mapping[str, Any]]:
    """Yield rows of `text`, `text2` for pairs, and `label`, which is a name."""
    found = task.splits[split]
    for text, label in zip(found.texts, found.labels, strict=True):
        texts = dict(zip(("text", "text2"), text if isinstance(text, tuple) else (text,), strict=False))
        yield {**texts, "label": task.schema.labels[label]}


def _by_label(labels: Iterable[str], confusion: NDArray[np.int64]) -> tuple[LabelResult, ...]:
    """Return the result of each label, by counts `[true, predicted]`."""
    right, given, having = confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1)
    return tuple(
        LabelResult(label, _share(hits, guessed), _share(hits, there), int(there))
        for label, hits, guessed, there in zip(labels, right, given, having, strict=True)
    )


def _share(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None
