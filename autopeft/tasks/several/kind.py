"""Several tasks, each of a kind of its own."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.intake import Intake, Ledger, listed
from autopeft.tasks.kind import Sample, TaskKind
from autopeft.tasks.metric import Metric
from autopeft.tasks.routing import TASK_COLUMN
from autopeft.tasks.several.apart import apart
from autopeft.tasks.several.schema import SEPARATE, Part, SeveralSchema
from autopeft.tasks.several.split import SeveralSplit
from autopeft.tasks.source import Source
from autopeft.tasks.tables import Table
from autopeft.tasks.task import Task

__all__ = ["Several"]


class Several(TaskKind):
    """One configuration for several tasks, judged by what each gains over its untouched model."""

    name = "several"
    summary = "several tasks, one configuration for all"
    layout = "`tasks:` in the YAML of a search, a list of what names the data of each"
    samples: ClassVar[tuple[Sample, ...]] = ()
    metrics: ClassVar[dict[str, Metric]] = {
        "mean_gain": Metric(worst=-1.0, mean=False),
        "worst_gain": Metric(worst=-1.0, mean=False),
    }
    schema = SeveralSchema

    def recognise(self, source: Source) -> str | None:
        """Return None: no rows are of several tasks."""
        return None

    def load(self, source: Source) -> Task:
        """Read each task as it would be by itself.

        Raises:
            DataError: When one cannot be, or two are called the same, or are the same.
        """
        from autopeft.tasks.load import load_task

        spec = source.spec
        if not spec.parts:
            raise DataError(
                "several tasks each have data of their own; name it by --data again, or by `tasks:` in a search's YAML"
            )
        tasks = [load_task(part) for part in spec.parts]
        odd = [task.name for task in tasks if not re.fullmatch(r"\w[\w+-]*", task.name)]
        if odd:
            raise DataError(
                f"tasks: {listed([repr(name) for name in odd])}: their adapters have folders of these names; expected "
                "letters, digits, _, + and -: call them so by `called:`"
            )
        twice = [name for name, count in Counter(task.name for task in tasks).items() if count > 1]
        if twice:
            raise DataError(
                f"tasks: {listed(twice)} stands there twice; tell tasks apart by `called:`, or leave one out"
            )
        first = {task.fingerprint: task for task in reversed(tasks)}
        same = [(first[task.fingerprint].name, task.name) for task in tasks if first[task.fingerprint] is not task]
        if same:
            pairs = listed([f"'{one}' and '{other}'" for one, other in same])
            raise DataError(f"tasks: {pairs} are the same data, read the same way; leave one of them out")
        schema = SeveralSchema(
            tuple(Part(task.name, task.kind.name, task.metric, task.schema) for task in tasks), spec.mixture or SEPARATE
        )
        notes = tuple(line for task in tasks for line in task.describe())
        splits = {name: _split_of(tasks, name) for name in tasks[0].splits}
        task = replace(self.task(spec.short_name, schema, splits, spec.metric, notes), groups=_groups_of(tasks))
        return task if schema.mixture == SEPARATE else apart(self, task, leave_out=spec.drop_duplicates)

    def parts_of(self, task: Task) -> list[Task]:
        """Return the tasks that one holds, each with its examples."""
        from autopeft.tasks.kinds import KINDS

        divided = {name: [part for _, part in split.divided()] for name, split in task.splits.items()}
        return [
            Task(
                part.name,
                KINDS[part.kind],
                part.schema,
                part.metric,
                **{name: found[number] for name, found in divided.items()},
                groups={
                    name: [groups[place] for place in task.splits[name].divided()[number][0]]
                    for name, groups in task.groups.items()
                },
            )
            for number, part in enumerate(task.schema.parts)
        ]

    def files(self, task: Task) -> list[Path]:
        """Return the files of each."""
        return [file for part in self.parts_of(task) for file in part.kind.files(part)]

    def independent(self, task: Task, split: str) -> int:
        """Return how many examples, each of which counts alike, tell as much: tasks count alike, however large."""
        counts = [max(1, part.independent(split)) for part in self.parts_of(task)]
        if task.metric == "worst_gain":
            return min(counts)
        return round(len(counts) ** 2 / sum(1 / count for count in counts))

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield the fingerprints of all tasks, by their names."""
        yield task.schema.mixture.encode()
        for part in self.parts_of(task):
            yield json.dumps([part.name, part.metric, part.fingerprint]).encode()

    def describe(self, task: Task) -> list[str]:
        """Say how many there are, and how they are trained."""
        how = "adapters of its own for each" if task.schema.mixture == SEPARATE else "shared adapters"
        return [f"{len(task.schema.parts)} tasks ({', '.join(task.schema.names)}), {how}"]

    def overview(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return what there is to see of each task, some examples of each, and how long the longest are."""
        parts = self.parts_of(task)
        found = {part.name: part.kind.overview(part, tokenizer) for part in parts}
        name = max(found, key=lambda each: int(found[each]["lengths"]["longest"]))
        lengths = found[name]["lengths"]
        return {
            "lengths": {**lengths, "unit": f"{lengths['unit']} of {name}"},
            "examples": [{TASK_COLUMN: each, **seen["examples"][0]} for each, seen in found.items()],
            "tasks": found,
        }

    def inputs(self, split: SeveralSplit) -> Iterable[Any]:
        """Yield the number of the task and the input of each example."""
        from autopeft.tasks.kinds import KINDS

        found: list[Any] = [None] * len(split)
        for number, (places, part) in enumerate(split.divided()):
            for place, one in zip(places, KINDS[split.kinds[number]].inputs(part), strict=True):
                found[place] = [number, one]
        return found

    def known_as(self, task: Task, schema: Any) -> Task:
        """Return tasks as something trained on others knows them, by their names."""
        names = [part.name for part in schema.parts]
        strange = [part.name for part in task.schema.parts if part.name not in names]
        if strange or len(task.schema.parts) < len(names):
            raise DataError(
                f"found the tasks {listed(task.schema.names)}; expected {listed(names)}: they are called after their "
                "data, or in Python by `called` in each of `tasks`"
            )
        parts = {part.name: part for part in self.parts_of(task)}
        known = [parts[part.name].kind.known_as(parts[part.name], part.schema) for part in schema.parts]
        splits: dict[str, Any] = {name: _split_of(known, name) for name in task.splits}
        held = tuple(replace(part, schema=found.schema) for part, found in zip(schema.parts, known, strict=True))
        return replace(task, schema=replace(schema, parts=held), groups=_groups_of(known), **splits)

    def remembered(self, schema: Any) -> dict[str, Any]:
        """Return how tasks are trained."""
        return {"mixture": schema.mixture}

    def nothing(self, schema: Any) -> SeveralSplit:
        """Return no examples of each task."""
        from autopeft.tasks.kinds import KINDS

        kinds = [part.kind for part in schema.parts]
        return SeveralSplit.of([KINDS[part.kind].nothing(part.schema) for part in schema.parts], kinds)

    def unlabelled(self, schema: Any, table: Table) -> tuple[SeveralSplit, list[int], Intake]:
        """Return the examples of a table whose column `task` says of which task each row is."""
        from autopeft.tasks.kinds import KINDS

        names = [part.name for part in schema.parts]
        if TASK_COLUMN not in table.columns:
            raise DataError(
                f"{table.source} has no column '{TASK_COLUMN}'; it has {', '.join(table.columns)}: expected one that "
                f"says of each row of which task it is, one of {', '.join(names)}"
            )
        ledger = Ledger(table, table.columns)
        wholes: list[Any] = []
        found: list[tuple[int, int, int]] = []
        for place, row in table.rows:
            if str(row.get(TASK_COLUMN)) not in names:
                ledger.drop(place, f"whose '{TASK_COLUMN}' is none of {', '.join(names)}")
        for number, part in enumerate(schema.parts):
            mine = [row for row, (_, cells) in enumerate(table.rows) if str(cells.get(TASK_COLUMN)) == part.name]
            kind = KINDS[part.kind]
            if not mine:
                wholes.append(kind.nothing(part.schema))
                continue
            split, numbers, intake = kind.unlabelled(
                part.schema, replace(table, rows=[table.rows[row] for row in mine])
            )
            wholes.append(split)
            found += [(mine[row], number, place) for place, row in enumerate(numbers)]
            for reason, places in intake.drops.items():
                for each in places:
                    ledger.drop(each, reason)
        order = np.asarray(sorted(found), np.int64).reshape(-1, 3)
        kinds = [part.kind for part in schema.parts]
        return SeveralSplit(wholes, kinds, order[:, 1], order[:, 2]), order[:, 0].tolist(), ledger.close()


def _split_of(tasks: Sequence[Task], name: str) -> SeveralSplit:
    """Return a split of tasks as one."""
    return SeveralSplit.of([task.splits[name] for task in tasks], [task.kind.name for task in tasks])


def _groups_of(tasks: Sequence[Task]) -> dict[str, list[str]]:
    """Return the groups of the examples of all tasks; where a task has none, each of its examples is one."""
    names = {name for task in tasks for name in task.groups}
    return {
        name: [
            f"{task.name}: {group}"
            for task in tasks
            for group in task.groups.get(name) or [f"row {row}" for row in range(len(task.splits[name]))]
        ]
        for name in sorted(names)
    }
