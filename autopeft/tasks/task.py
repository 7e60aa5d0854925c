"""A task: texts with labels, in three splits, and the metric that judges predictions."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from autopeft.tasks.intake import Intake
from autopeft.tasks.metrics import check_metric

__all__ = ["Split", "Task", "Text"]

#: One input: a text, or a pair of texts.
Text = str | tuple[str, str]


@dataclass(frozen=True)
class Split:
    """Texts with the numbers of their labels.

    Args:
        texts: The inputs, all single or all pairs.
        labels: For each text, the index of its label in `Task.labels`.
    """

    texts: Sequence[Text]
    labels: Sequence[int]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Iterable[int]) -> Split:
        """Return the texts at the indices, in their order."""
        picked = [int(index) for index in indices]
        return Split([self.texts[i] for i in picked], [self.labels[i] for i in picked])


@dataclass(frozen=True)
class Task:
    """Data, splits and metric.

    Args:
        name: Short name, fit for a file name.
        labels: The label names, in the order of the label numbers.
        metric: A name of `METRICS`; higher is better.
        pair: Whether inputs are pairs of texts.
        train: What trials fit.
        validation: What a search measures on.
        test: Read by finalists and `evaluate` only.
        notes: What was done to the data on the way in, for people.
        intake: What became of the rows of each source, by the split it was given for.
        columns: Where the texts stand in tables, one column or two.
    """

    name: str
    labels: tuple[str, ...]
    metric: str
    pair: bool
    train: Split
    validation: Split
    test: Split
    notes: tuple[str, ...] = ()
    intake: Mapping[str, Intake] = field(default_factory=dict)
    columns: tuple[str, ...] = ("text", "text2")

    def __post_init__(self) -> None:
        check_metric(self.metric)

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of labels, texts and splits: equal data, equal fingerprint."""
        digest = hashlib.sha256(json.dumps([self.labels, self.pair]).encode())
        for name, split in self.splits.items():
            digest.update(f"\n{name}\n".encode())
            for text, label in zip(split.texts, split.labels, strict=True):
                digest.update(json.dumps([text, int(label)]).encode() + b"\n")
        return digest.hexdigest()

    def describe(self) -> list[str]:
        """Return lines that tell people what the task holds."""
        sizes = " / ".join(str(len(split)) for split in self.splits.values())
        common = Counter(self.train.labels).most_common(1)[0][1] / len(self.train)
        kind = "text pairs" if self.pair else "texts"
        return [
            f"{self.name}: {kind} with {len(self.labels)} labels, metric {self.metric}",
            f"train / validation / test: {sizes}; the most common label has {common:.1%} of train",
            *(line for intake in self.intake.values() for line in intake.describe()),
            *self.notes,
        ]
