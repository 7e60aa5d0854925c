"""Several labels: none, one or more for each text, or for each pair of texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from autopeft.tasks.intake import Intake
from autopeft.tasks.kind import Sample
from autopeft.tasks.known_labels import numbers_among
from autopeft.tasks.metric import MOST_COMMON, Metric
from autopeft.tasks.multilabel.build import read_labels
from autopeft.tasks.multilabel.metrics import METRICS, indicators
from autopeft.tasks.multilabel.schema import Labels
from autopeft.tasks.overview import SHOWN
from autopeft.tasks.source import Source
from autopeft.tasks.tables import Table
from autopeft.tasks.task import Task
from autopeft.tasks.text_columns import labelled_texts
from autopeft.tasks.text_kind import TextKind
from autopeft.tasks.texts import LabelledTexts

__all__ = ["Multilabel"]


class Multilabel(TextKind):
    """Which of some labels a text has, as many as apply."""

    name = "multilabel"
    summary = "several labels for each text, or for each pair of texts, or none"
    layout = (
        "rows with a text (--text, for pairs --text2 too) and its labels (--label): a list, empty where it has none, "
        "or names joined by --label-separator"
    )
    samples = (
        Sample(
            "feelings.jsonl",
            '{"text": "I missed it!", "label": ["sadness", "anger"]}\n{"text": "It is noon.", "label": []}\n',
        ),
        Sample(
            "topics.csv",
            "text,topics\nA vote on the budget.,politics;money\nThe cup final.,sport\nA bank fails.,money\n"
            "The minister resigns.,politics\nA club is sold.,sport;money\nGames of state.,sport;politics\n",
            "--label topics",
        ),
    )
    metrics: ClassVar[dict[str, Metric]] = {
        "micro_f1": Metric(unit="text", mean=False),
        "macro_f1": Metric(unit="text", mean=False),
        "samples_f1": Metric(unit="text"),
    }
    options = frozenset({"text", "text2", "label", "label_separator"})
    schema = Labels

    def recognise(self, source: Source) -> str | None:
        """Take what has the columns of texts and of lists or joined names."""
        return labelled_texts(source, "several")

    def load(self, source: Source) -> Task:
        """Read texts and their labels; what is split off is stratified by the rarest label of each."""
        spec = source.spec
        schema, splits, notes, intake = read_labels(spec, source.tables)
        if spec.kind is None:
            notes = (*notes, "several labels a row; to take each combination as a class is `--kind classification`")
        return self.task(spec.short_name, schema, splits, spec.metric, notes, intake)

    def guessed(self, task: Task) -> float | None:
        """Return what telling the most common label is worth, by the metrics that are known here."""
        if task.metric not in METRICS:
            return None
        common = Counter(label for found in task.train.labels for label in found).most_common(1)[0][0]
        count = len(task.schema.labels)
        truth, told = (indicators(sets, count) for sets in (task.validation.labels, [[common]] * len(task.validation)))
        return METRICS[task.metric](truth, told)

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield labels, texts and splits."""
        yield json.dumps([self.name, task.schema.labels, len(task.schema.columns)]).encode()
        for begin, rows in self._rows(task):
            yield begin
            for text, labels in rows:
                yield json.dumps([text, list(map(int, labels))]).encode() + b"\n"

    def describe(self, task: Task) -> list[str]:
        """Say how many labels there are, how many a text has, and how common the most common one is."""
        sets = task.train.labels
        common = Counter(label for labels in sets for label in labels).most_common(1)[0][1] / len(sets)
        hint = ", so that micro F1 says little: --metric macro_f1 says more"
        better = hint if common > MOST_COMMON and task.metric == self.usual else ""
        return [
            f"{self._in_words(task)} with {len(task.schema.labels)} labels",
            f"in train {sum(map(len, sets)) / len(sets):.2f} labels a text, none in "
            f"{sum(not labels for labels in sets):,}; the most common label has {common:.1%}{better}",
        ]

    def overview(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return how many texts have each label, lengths and examples."""
        counts = {
            name: Counter(label for labels in split.labels for label in labels) for name, split in task.splits.items()
        }
        names = task.schema.labels
        some = zip(task.train.texts[:SHOWN], task.train.labels[:SHOWN], strict=True)
        return {
            "labels": {
                label: {name: count[number] for name, count in counts.items()} for number, label in enumerate(names)
            },
            "lengths": self._lengths(task, tokenizer),
            "examples": [{"text": text, "label": [names[number] for number in labels]} for text, labels in some],
        }

    def labels_in(self, split: LabelledTexts) -> Sequence[Collection[int]]:
        """Return those of each text, perhaps none."""
        return split.labels

    def label_names(self, schema: Labels) -> Sequence[str]:
        """Return the names of labels by their numbers."""
        return schema.labels

    def unlabelled(self, schema: Labels, table: Table) -> tuple[LabelledTexts, list[int], Intake]:
        """Return the texts of a table, with no label."""
        split, numbers, intake = super().unlabelled(schema, table)
        return LabelledTexts(split.texts, [()] * len(split)), numbers, intake

    def known_as(self, task: Task, schema: Labels) -> Task:
        """Return a task whose labels have the numbers that something trained knows them by."""
        known = schema.labels
        if known == task.schema.labels:
            return task
        number = numbers_among(known, task.schema.labels, task.name)
        splits: dict[str, Any] = {
            name: LabelledTexts(
                split.texts, [tuple(sorted(number[label] for label in found)) for found in split.labels]
            )
            for name, split in task.splits.items()
        }
        return replace(task, schema=replace(task.schema, labels=known), **splits)
