"""A task: examples in three splits, of one kind, and the metric that judges predictions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self

from autopeft.tasks.intake import Intake
from autopeft.tasks.joined import joined

if TYPE_CHECKING:
    from autopeft.tasks.kind import TaskKind
    from autopeft.tasks.metric import Metric

__all__ = ["POOL", "Split", "Task"]

#: What the pool is called where the splits have their names.
POOL = "pool"


class Split(Protocol):
    """Examples, of which the kind of the task knows more."""

    def __len__(self) -> int:
        """Return how many there are."""

    def take(self, indices: Iterable[int]) -> Self:
        """Return the examples at the indices, in their order."""


@dataclass(frozen=True)
class Task:
    """Data, splits and metric.

    Args:
        name: Short name, fit for a file name.
        kind: What sort of task it is; it knows what is in the splits and in the schema.
        schema: What the kind has to know of the data beside the examples: the names of labels, columns.
        metric: One of the kind's metrics.
        train: What trials fit.
        validation: What a search measures on.
        test: Read by finalists and `evaluate` only.
        notes: What was done to the data on the way in, for people.
        intake: What became of the rows of each source, by the split it was given for.
        groups: Where examples come in groups, that of each, by split: they count as one where sureness is told.
        beside: Further columns of the training rows, by name: what each example of `learnable` has there.
        allow_code: Whether code that models write for it may be run, in a sandbox.
        scores: What a model has to say of examples of `learnable`, by name: of some, by number. No part of the data.
        pool: Examples that data levers may choose beside those of the training split; None where there are none.

    Raises:
        DataError: When the kind has no such metric, or the schema does not allow it.
    """

    name: str
    kind: TaskKind
    schema: Any
    metric: str
    train: Any
    validation: Any
    test: Any
    notes: tuple[str, ...] = ()
    intake: Mapping[str, Intake] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    beside: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    allow_code: bool = False
    scores: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    pool: Any = None

    def __post_init__(self) -> None:
        self.kind.check_metric(self.metric, self.schema)

    @property
    def splits(self) -> dict[str, Any]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def learnable(self) -> Any:
        """The training examples, and behind them those of the pool."""
        return self.train if self.pool is None else joined(self.train, self.pool)

    @property
    def pooled(self) -> range:
        """The numbers of the pool's examples among those of `learnable`."""
        return range(len(self.train), len(self.train) + (0 if self.pool is None else len(self.pool)))

    def learning(self, examples: Iterable[int]) -> Task:
        """Return the task with some of its training examples, in their order."""
        rows = [int(number) for number in examples]
        every = [*rows, *self.pooled]
        beside = {column: [values[row] for row in every] for column, values in self.beside.items()}
        scores = {
            name: {new: known[old] for new, old in enumerate(every) if old in known}
            for name, known in self.scores.items()
        }
        return replace(self, train=self.train.take(rows), beside=beside, scores=scores)

    def independent(self, split: str) -> int:
        """Return how many examples that stand alone tell as much as those of a split, which may come in groups."""
        return self.kind.independent(self, split)

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of schema, examples and splits: equal data, equal fingerprint."""
        digest = hashlib.sha256()
        for part in self.kind.digested(self):
            digest.update(part)
        if self.pool is not None:
            digest.update(f"\n{POOL}\n".encode())
            for part in self.kind.digested(replace(self, train=self.pool, pool=None, beside={})):
                digest.update(part)
        for column, values in self.beside.items():
            digest.update(json.dumps([column, *values], default=str).encode())
        return digest.hexdigest()

    @property
    def judge(self) -> Metric:
        """The metric."""
        return self.kind.judged_by(self.metric, self.schema)

    @property
    def objective(self) -> str:
        """What results call `accuracy`: the metric, with a minus before one of which less is better."""
        return self.metric if self.judge.direction == "maximize" else f"-{self.metric}"

    @property
    def worst(self) -> float:
        """What a failed trial is given for the objective."""
        return self.judge.signed(self.judge.worst)

    def describe(self) -> list[str]:
        """Return lines that tell people what the task holds."""
        first, *others = self.kind.describe(self)
        sizes = " / ".join(str(len(split)) for split in self.splits.values())
        return [
            f"{self.name}: {self.kind.name}, {first}, metric {self.metric}",
            "; ".join([f"train / validation / test: {sizes}", *others]),
            *(line for intake in self.intake.values() for line in intake.describe()),
            *self.notes,
        ]
