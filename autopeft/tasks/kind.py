"""What every kind of task says of its data; what its trials do is in `autopeft.trials.kind`."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from autopeft.errors import ConfigurationError, DataError
from autopeft.tasks.intake import Intake
from autopeft.tasks.metric import Metric
from autopeft.tasks.source import Source
from autopeft.tasks.tables import Table
from autopeft.tasks.task import POOL, Task

__all__ = ["Sample", "TaskKind"]

#: Correlation of whether examples of a group are told rightly, as on the default job (studies/finalists).
_ALIKE = 0.4


@dataclass(frozen=True)
class Sample:
    """What data of a kind looks like.

    Args:
        file: Name of a file.
        content: What is in it.
        flags: What names it on the command line, beside `--data`.
    """

    file: str
    content: str
    flags: str = ""


class TaskKind(ABC):
    """A kind of task: how its data is recognised, read, split, fingerprinted and shown.

    Attributes:
        name: What `--kind` calls it.
        summary: One line for people.
        layout: What data it takes, in words.
        samples: What such data looks like.
        metrics: What its tasks can be judged by; the first is the usual one.
        options: Settings of a search that are of this kind, beside those that all share.
        schema: The dataclass of `Task.schema`, which JSON can hold.
        of_rows: Whether its examples are the rows of the tables that it is given, but for those that its intake drops.
        replaced: What of a training example another column may stand in for, in words; empty where nothing of it.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    layout: ClassVar[str]
    samples: ClassVar[tuple[Sample, ...]]
    metrics: ClassVar[Mapping[str, Metric]]
    options: ClassVar[frozenset[str]] = frozenset()
    schema: ClassVar[type]
    of_rows: ClassVar[bool] = False
    replaced: ClassVar[str] = ""

    @property
    def usual(self) -> str:
        """The metric of a task that names none."""
        return next(iter(self.metrics))

    def usual_of(self, schema: Any) -> str:
        """Return the metric of a task on data of a schema that names none."""
        return self.usual

    def check_metric(self, metric: str, schema: Any) -> None:
        """Refuse a metric that there is not, or that data of a schema has not what it takes for.

        Raises:
            DataError: Naming those there are.
        """
        if metric not in self.metrics:
            raise DataError(
                f"unknown metric '{metric}' of a task of {self.name}; expected one of: {', '.join(self.metrics)}"
            )

    def judged_by(self, metric: str, schema: Any) -> Metric:
        """Return one of the metrics, as it is measured of data of a schema."""
        return self.metrics[metric]

    def layout_of(self, source: Source) -> str | None:
        """Say what in the files of a folder makes it data of this kind, where it is no table; None where nothing does.

        Kinds are asked this before any reads tables.
        """
        return None

    @abstractmethod
    def recognise(self, source: Source) -> str | None:
        """Say what in data of no named kind makes it one of this kind; None where it is none.

        Raises:
            DataError: When it can only be one, and something in it is wrong.
        """

    @abstractmethod
    def load(self, source: Source) -> Task:
        """Read a task, split off what is missing, and check it.

        Raises:
            DataError: When the data cannot be used.
        """

    def task(
        self,
        name: str,
        schema: Any,
        splits: Mapping[str, Any],
        metric: str | None = None,
        notes: tuple[str, ...] = (),
        intake: Mapping[str, Intake] | None = None,
    ) -> Task:
        """Return a task of this kind, judged by the usual metric unless another is named; see `Task`."""
        parts = (splits["train"], splits["validation"], splits["test"])
        metric = metric or self.usual_of(schema)
        return Task(name, self, schema, metric, *parts, notes, intake or {}, pool=splits.get(POOL))

    def guessed(self, task: Task) -> float | None:
        """Return what the metric says on validation of one answer to all, that which suits most training examples.

        None where there is no such answer.
        """
        return None

    def harder(self, task: Task) -> str:
        """Say what makes test harder than validation, or easier, whatever they hold; nothing if nothing does."""
        return ""

    def independent(self, task: Task, split: str) -> int:
        """Return how many examples that stand alone tell as much as those of a split, which may come in groups.

        By the design effect of groups (Kish 1965, "Survey Sampling", section 8.2), as a guess before anything is
        measured.
        """
        sizes = Counter(task.groups.get(split, ())).values()
        count = len(task.splits[split])
        return round(count / (1 + (sum(size**2 for size in sizes) / count - 1) * _ALIKE)) if sizes else count

    @abstractmethod
    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield all that makes the data of a task what it is, in an order that never changes."""

    @abstractmethod
    def describe(self, task: Task) -> list[str]:
        """Return what a task holds in a few words, then what there is to say beside the sizes of its splits."""

    @abstractmethod
    def overview(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return what `autopeft.tasks.overview` shows beside what it shows of every task.

        Args:
            task: The task.
            tokenizer: The tokenizer of a model; None where there is none yet.

        Returns:
            `lengths` and `examples`; perhaps `labels`, with how many there are in each split.
        """

    @abstractmethod
    def inputs(self, split: Any) -> Iterable[Any]:
        """Yield the input of each example as JSON data, by which it is known again."""

    def files(self, task: Task) -> list[Path]:
        """Return the files that examples are in, or are judged by, beside those that the user names."""
        return []

    def questions(self, split: Any) -> Iterable[Hashable]:
        """Yield what each example asks, which examples with different answers may share."""
        return map(json.dumps, self.inputs(split))

    def row_numbers(self, task: Task, table: Table) -> list[int]:
        """Return for each training example which row of a table it is; of kinds whose examples are rows.

        Rows are known again by their inputs. Equal ones lie in one split and keep their order: the first example of
        an input is the first of its rows.

        Args:
            task: The task.
            table: The training rows that are used, and perhaps those of which splits were made.
        """
        found, numbers, _ = self.unlabelled(task.schema, table)
        rows: dict[str, list[int]] = defaultdict(list)
        for given, number in zip(self.inputs(found), numbers, strict=True):
            rows[json.dumps(given)].insert(0, number)
        return [rows[json.dumps(given)].pop() for given in self.inputs(task.train)]

    def labels_in(self, split: Any) -> Sequence[Collection[int]] | None:
        """Return the numbers of the labels that are told of each example; None where labels are not what is told."""
        return None

    def label_names(self, schema: Any) -> Sequence[str]:
        """Return the names of labels by their numbers; none where labels are not what is told."""
        return ()

    def cells(self, task: Task, table: Table, column: str) -> list[Any]:
        """Return what a column of a table holds for each training example; arguments as of `row_numbers`.

        Raises:
            DataError: When examples are not rows.
        """
        if not self.of_rows:
            raise DataError(
                f"task {task.name}: the space goes by the column {column} of the training rows, which examples of "
                f"{self.name} are not; leave that out of its `data`"
            )
        return [table.rows[number][1].get(column) for number in self.row_numbers(task, table)]

    def with_column(self, split: Any, cells: Sequence[str | None]) -> Any:
        """Return training examples in which texts of another column stand for what is `replaced`.

        Args:
            split: The examples.
            cells: The text for each; None keeps what it has.
        """
        raise NotImplementedError(f"{self.name}: nothing is replaced")

    def texts(self, split: Any) -> list[tuple[str, ...]] | None:
        """Return the texts of each example that may be put in other words, its label staying; None where none may."""
        return None

    def with_texts(self, split: Any, texts: Sequence[tuple[str, ...]]) -> Any:
        """Return examples whose `texts` are others."""
        raise NotImplementedError(f"{self.name}: there are no texts to be put in other words")

    def known_as(self, task: Task, schema: Any) -> Task:
        """Return a task as something trained on data of another schema knows it.

        Args:
            task: The task.
            schema: The schema of what was trained.

        Raises:
            DataError: When it does not know something in the task.
        """
        return task

    def remembered(self, schema: Any) -> dict[str, Any]:
        """Return settings of a search by which data is read as something trained on it knows it."""
        return {}

    @abstractmethod
    def nothing(self, schema: Any) -> Any:
        """Return a split of no examples."""

    def asks(self, schema: Any) -> dict[str, str]:
        """Return the columns that are read of rows to be predicted, by the flag that names each."""
        return {}

    def with_columns(self, schema: Any, columns: Sequence[str]) -> Any:
        """Return a schema whose rows have other columns, in the order of `asks`."""
        return schema

    def rows_of(self, schema: Any, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """Return inputs as rows to be predicted.

        Args:
            schema: The schema of what was trained.
            inputs: Texts or pairs of texts, as a user gives them.

        Raises:
            DataError: When they are no such inputs, in words that follow the name of what was trained.
        """
        raise DataError("takes its inputs from a file; give one")

    def unlabelled(self, schema: Any, table: Table) -> tuple[Any, list[int], Intake]:
        """Return the examples of a table whose answers are asked for, the numbers of their rows, and the account.

        Raises:
            DataError: When a column is lacking.
            ConfigurationError: When nothing can be predicted of rows.
        """
        raise ConfigurationError(f"what was trained for tasks of {self.name} predicts nothing of rows of a table")
