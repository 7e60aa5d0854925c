"""What a spec names, read when it is asked for: the rows of each split."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from autopeft.errors import DataError
from autopeft.tasks.grouping import groups_of, split_by_group
from autopeft.tasks.hub import read_dataset
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.splits import HELD_OUT
from autopeft.tasks.tables import Table, is_source, read_source
from autopeft.tasks.task import POOL, Task

__all__ = ["Source"]


class Source:
    """Where a task's data is.

    Args:
        spec: What the user says of it.
    """

    def __init__(self, spec: TaskSpec) -> None:
        self.spec = spec

    @property
    def path(self) -> Path | None:
        """The file or folder that is named; None for a pattern of files or a name on the hub."""
        named = self.spec.data or (self.spec.dataset if self.spec.subset is None else None)
        path = None if named is None else Path(named).expanduser()
        return path if path is not None and path.exists() else None

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.spec.data or str(self.spec.dataset or self.spec.short_name)

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The tables by split.

        Raises:
            DataError: When they cannot be found or read.
        """
        spec, source = self.spec, self.name
        named = [*spec.columns.values()]
        local = spec.data is not None or (spec.subset is None and is_source(source))
        tables = read_source(source, named) if local else read_dataset(source, spec.subset, named)
        for split, file in (("validation", spec.validation), ("test", spec.test)):
            if file:
                [table] = _alone(file, read_source(file, named)).values()
                # The split that was named stands, whatever the folder holds.
                said = (f"taken in place of the {split} split of {source}",) if split in tables else ()
                tables[split] = replace(table, notes=(*table.notes, *said))
        if spec.pool is not None:
            [pool] = _alone(spec.pool, read_source(spec.pool, named)).values()
            tables[POOL] = replace(pool, used=pool.used | ({spec.group} if spec.group else set()))
        if spec.group is None:
            return tables
        return split_by_group(tables, spec.group, spec.label_column, spec.seed)

    def grouped(self, task: Task) -> Task:
        """Return a task of these rows that knows their groups, where each of its examples is a row."""
        column = self.spec.group
        if column is None:
            return task
        unit = task.judge.unit
        tables = self.tables if task.kind.of_rows and task.judge.quick else {}
        there = [name for name in task.splits if name in tables and name in task.intake]
        groups = {name: groups_of(tables[name], column, task.intake[name]) for name in there}
        if any(len(groups.get(name, ())) != len(split) for name, split in task.splits.items()):
            said = f"--group '{column}' keeps rows together, but intervals are over each {unit} by itself"
            return replace(task, notes=(*task.notes, said))
        lacking = [name for name in HELD_OUT if column not in tables[name].columns]
        notes = (f"{name} has no column '{column}', so that each of its rows counts alone" for name in lacking)
        return replace(task, groups=groups, notes=(*task.notes, *notes))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the training rows."""
        return tuple(self.tables["train"].columns)


def _alone(file: str, parts: dict[str, Table]) -> dict[str, Table]:
    if len(parts) > 1:
        raise DataError(f"'{file}' holds {' and '.join(parts)}; expected the rows of one split")
    return parts
