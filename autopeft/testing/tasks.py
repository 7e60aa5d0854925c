"""The contract of a task's data: inherit the suite, give it a task, and every promise is tested.

class TestMyTask(TaskContract):
    @pytest.fixture(scope="class")
    def spec(self):
        return TaskSpec(name="mine")
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from autopeft.errors import DataError
from autopeft.tasks import KINDS, Task, TaskKind, TaskSpec, load_task, overview
from autopeft.tasks.row_hashes import row_hashes
from autopeft.tasks.tables import Table

__all__ = ["TaskContract", "task_of"]


def task_of(kind: TaskKind, schema: Any, *splits: Any, metric: str | None = None, name: str = "t") -> Task:
    """Return a task of splits: of training, validation and test, or of one that stands for all three."""
    three = splits if len(splits) > 1 else splits * 3
    return kind.task(name, schema, dict(zip(("train", "validation", "test"), three, strict=True)), metric)


class TaskContract:
    """What every task promises; a subclass provides the fixture `spec`."""

    @pytest.fixture(scope="class")
    def task(self, spec: TaskSpec) -> Task:
        """Load the task under test."""
        return load_task(spec)

    def test_its_kind_is_in_the_table(self, task: Task) -> None:
        """The table lists it by its name; what it says of itself is complete."""
        kind = task.kind
        assert type(KINDS[kind.name]) is type(kind)
        assert kind.summary
        assert kind.layout
        assert kind.usual in kind.metrics

    def test_one_answer_to_all_is_worth_little(self, task: Task) -> None:
        """It is no worse than the worst and not perfect; some kinds have no such answer."""
        guessed = task.kind.guessed(task)
        if guessed is not None:
            assert task.judge.worst <= guessed < 1

    def test_splits_are_taken_in_order(self, task: Task) -> None:
        """Parts of a split are what they were, in the order that is asked for."""
        for split in task.splits.values():
            assert len(split) > 0
            hashes = row_hashes(task.kind, split)
            assert len(hashes) == len(split)
            last, first = len(split) - 1, 0
            assert row_hashes(task.kind, split.take([last, first])).tolist() == [hashes[last], hashes[first]]

    def test_splits_are_disjoint(self, task: Task) -> None:
        """No input stands in two splits, unless the task says so in its notes."""
        if any("also stand in train" in note for note in task.notes):
            pytest.skip("the given files overlap, and the task says so")
        inputs = [{json.dumps(each) for each in task.kind.inputs(split)} for split in task.splits.values()]
        assert len(set.union(*inputs)) == sum(map(len, inputs))

    def test_fingerprint_is_stable(self, spec: TaskSpec, task: Task) -> None:
        """Loading twice, or from the spec's plain data, gives the same data; other data has another fingerprint."""
        again = load_task(TaskSpec.from_dict(spec.to_dict()))
        assert again.fingerprint == task.fingerprint
        assert len(task.fingerprint) == 64
        fewer = task.splits | {"train": task.train.take(range(len(task.train) - 1))}
        assert task.kind.task(task.name, task.schema, fewer, task.metric).fingerprint != task.fingerprint

    def test_a_pool_has_nothing_that_is_held_out(self, spec: TaskSpec, task: Task) -> None:
        """Of the task's own rows as a pool those of train are left; the task is what it was."""
        if not task.kind.of_rows or spec.data is None:
            pytest.skip("it has no pool")
        try:
            pooled = load_task(replace(spec, pool=spec.data))
        except DataError as error:
            pytest.skip(f"it has no pool: {error}")
        assert pooled.splits == task.splits
        assert list(task.kind.inputs(pooled.pool)) == list(task.kind.inputs(task.train))
        assert list(task.kind.inputs(pooled.learnable)) == 2 * list(task.kind.inputs(task.train))
        assert pooled.fingerprint != task.fingerprint

    def test_another_metric_is_refused(self, task: Task) -> None:
        """A metric that the kind does not have is an error that names those it has."""
        with pytest.raises(DataError, match=task.kind.usual):
            task.kind.task(task.name, task.schema, task.splits, "sharpness")

    def test_its_schema_is_json(self, task: Task) -> None:
        """What is kept of a task beside something trained comes back as it was."""
        adapter = TypeAdapter[Any](task.kind.schema)
        assert adapter.validate_json(adapter.dump_json(task.schema)) == task.schema
        assert len(task.kind.nothing(task.schema)) == 0
        known = task.kind.known_as(task, task.schema)
        assert known.fingerprint == task.fingerprint

    def given(self, task: Task) -> str:
        """Return what a user may give to be predicted: a text, unless the kind reads something else."""
        return "a text"

    def test_it_reads_what_it_asks_for(self, task: Task) -> None:
        """Rows with the columns that are asked for are read, whatever those are called."""
        kind, schema = task.kind, task.schema
        asked = kind.asks(schema)
        if not asked:
            pytest.skip("nothing is predicted of rows")
        other = kind.with_columns(schema, [f"my {column}" for column in asked.values()])
        assert list(kind.asks(other)) == list(asked)
        try:
            given = self.given(task)
            inputs = [given] if len(asked) == 1 else [(given, "and another")]
            rows = kind.rows_of(other, inputs)
        except DataError:
            pytest.skip("it reads no single texts")
        table = Table("rows", tuple(kind.asks(other).values()), [("row 1", row) for row in rows])
        split, numbers, intake = kind.unlabelled(other, table)
        assert (len(split), numbers, intake.rows) == (1, [0], 1)

    def test_it_describes_itself(self, task: Task) -> None:
        """The first line names the task, its kind and its metric; the overview is JSON."""
        first = task.describe()[0]
        assert all(word in first for word in (task.name, task.kind.name, task.metric))
        found = json.loads(json.dumps(overview(task)))
        assert found["lengths"]["longest"] >= found["lengths"]["shortest"] > 0
        assert found["examples"]
