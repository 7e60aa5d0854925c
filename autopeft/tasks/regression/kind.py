"""Regression: a number for each text, or for each pair of texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from autopeft.tasks.kind import Sample
from autopeft.tasks.metric import Metric
from autopeft.tasks.overview import SHOWN
from autopeft.tasks.regression.build import read_numbers
from autopeft.tasks.regression.metrics import METRICS
from autopeft.tasks.regression.schema import Scale
from autopeft.tasks.source import Source
from autopeft.tasks.task import Task
from autopeft.tasks.text_columns import labelled_texts
from autopeft.tasks.text_kind import TextKind

__all__ = ["Regression"]


class Regression(TextKind):
    """Which number a text has, or a pair of texts."""

    name = "regression"
    summary = "a number for each text, or for each pair of texts"
    layout = "rows with a text (--text, for pairs --text2 too) and a number (--label); decimals are recognised"
    samples = (
        Sample(
            "pairs.csv",
            "sentence_a,sentence_b,score\nA dog runs.,A dog is running.,4.8\nA dog runs.,Nobody is there.,1.2\n",
            "--text sentence_a --text2 sentence_b --label score",
        ),
    )
    metrics: ClassVar[dict[str, Metric]] = dict.fromkeys(
        ("pearson", "spearman", "r2"), Metric(worst=-1.0, unit="text", mean=False)
    )
    options = frozenset({"text", "text2", "label"})
    schema = Scale

    def recognise(self, source: Source) -> str | None:
        """Take what has the columns of texts and of numbers with decimals."""
        return labelled_texts(source, "scale")

    def load(self, source: Source) -> Task:
        """Read texts and their numbers; what is split off is stratified by them."""
        schema, splits, notes, intake = read_numbers(source.spec, source.tables)
        return self.task(source.spec.short_name, schema, splits, source.spec.metric, notes, intake)

    def guessed(self, task: Task) -> float | None:
        """Return what telling one number is worth: nothing, by the metrics that are known here."""
        return 0.0 if task.metric in METRICS else None

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield texts, numbers and splits."""
        yield json.dumps([self.name, len(task.schema.columns)]).encode()
        for begin, rows in self._rows(task):
            yield begin
            for text, number in rows:
                yield json.dumps([text, float(number)]).encode() + b"\n"

    def describe(self, task: Task) -> list[str]:
        """Say where the numbers lie."""
        numbers = np.asarray(task.train.labels)
        return [
            f"{self._in_words(task)} with numbers of '{task.schema.label}'",
            f"in train {numbers.min():g} to {numbers.max():g}, mean {numbers.mean():.4g} +- {numbers.std():.4g}",
        ]

    def overview(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return the range of the numbers, lengths and examples."""
        some = zip(task.train.texts[:SHOWN], task.train.labels[:SHOWN], strict=True)
        return {
            "numbers": {
                name: {"lowest": min(split.labels), "mean": float(np.mean(split.labels)), "highest": max(split.labels)}
                for name, split in task.splits.items()
            },
            "lengths": self._lengths(task, tokenizer),
            "examples": [{"text": text, "label": f"{number:g}"} for text, number in some],
        }

    def known_as(self, task: Task, schema: Scale) -> Task:
        """Return a task on the scale of what was trained; its numbers are what they are."""
        return replace(task, schema=replace(task.schema, offset=schema.offset, scale=schema.scale))
