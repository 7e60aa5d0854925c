"""Classification: one label a text, or a pair of texts."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from autopeft.tasks.classification.build import read_classes
from autopeft.tasks.classification.counts import common_in_words, counts_by_label, worth_of_common
from autopeft.tasks.classification.schema import Classes
from autopeft.tasks.kind import Sample
from autopeft.tasks.known_labels import numbers_among
from autopeft.tasks.metric import Metric
from autopeft.tasks.overview import SHOWN
from autopeft.tasks.source import Source
from autopeft.tasks.task import Task
from autopeft.tasks.text_columns import labelled_texts
from autopeft.tasks.text_kind import TextKind
from autopeft.tasks.texts import LabelledTexts

__all__ = ["Classification"]


class Classification(TextKind):
    """Which of some labels a text has, or a pair of texts."""

    name = "classification"
    summary = "one label for each text, or for each pair of texts"
    layout = "rows with a text (--text, for pairs --text2 too) and the name or number of its label (--label)"
    samples = (
        Sample("reviews.csv", "text,label\nA fine film.,good\nTwo hours that I will miss.,bad\n"),
        Sample(
            "entailment.csv",
            "premise,hypothesis,verdict\nA man sleeps.,Someone rests.,yes\nA man sleeps.,Nobody rests.,no\n",
            "--text premise --text2 hypothesis --label verdict",
        ),
    )
    metrics: ClassVar[dict[str, Metric]] = {
        "accuracy": Metric(unit="text"),
        "macro_f1": Metric(unit="text", mean=False),
        "mcc": Metric(worst=-1.0, unit="text", mean=False),
    }
    options = frozenset({"text", "text2", "label"})
    schema = Classes

    def recognise(self, source: Source) -> str | None:
        """Take what has the columns of texts and labels that are classes, as they are named."""
        return labelled_texts(source, "classes")

    def load(self, source: Source) -> Task:
        """Read texts and the names of their labels; what is split off is stratified by label."""
        spec = source.spec
        schema, splits, notes, intake = read_classes(spec, source.tables, asked=spec.kind == self.name)
        return self.task(spec.short_name, schema, splits, spec.metric, notes, intake)

    def guessed(self, task: Task) -> float | None:
        """Return what telling the most common label is worth, by the metrics that are known here."""
        return worth_of_common(task)

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield labels, texts and splits."""
        yield json.dumps([task.schema.labels, task.schema.pair]).encode()
        for begin, rows in self._rows(task):
            yield begin
            for text, label in rows:
                yield json.dumps([text, int(label)]).encode() + b"\n"

    def describe(self, task: Task) -> list[str]:
        """Say how many labels there are, and how common the most common one is."""
        return [
            f"{self._in_words(task)} with {len(task.schema.labels)} labels",
            common_in_words(task),
        ]

    def overview(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return how many texts have each label, lengths and examples."""
        labels = task.schema.labels
        some = zip(task.train.texts[:SHOWN], task.train.labels[:SHOWN], strict=True)
        return {
            "labels": counts_by_label(task),
            "lengths": self._lengths(task, tokenizer),
            "examples": [{"text": text, "label": labels[label]} for text, label in some],
        }

    def labels_in(self, split: LabelledTexts) -> Sequence[Collection[int]]:
        """Return the one label of each."""
        return [(int(label),) for label in split.labels]

    def label_names(self, schema: Classes) -> Sequence[str]:
        """Return the names of labels by their numbers."""
        return schema.labels

    def known_as(self, task: Task, schema: Classes) -> Task:
        """Return a task whose labels have the numbers that something trained knows them by."""
        known = schema.labels
        if known == task.schema.labels:
            return task
        number = numbers_among(known, task.schema.labels, task.name)
        splits: dict[str, Any] = {
            name: LabelledTexts(split.texts, [number[label] for label in split.labels])
            for name, split in task.splits.items()
        }
        return replace(task, schema=replace(task.schema, labels=known), **splits)
