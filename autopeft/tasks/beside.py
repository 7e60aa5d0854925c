"""What training rows hold beside what a kind of task reads: columns that data levers go by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autopeft.errors import DataError
from autopeft.tasks.source import Source
from autopeft.tasks.task import Task

__all__ = ["with_beside"]


def with_beside(task: Task, source: Source, columns: Sequence[str]) -> Task:
    """Return a task that knows what its training rows hold in further columns.

    Args:
        task: The task.
        source: Where its rows come from.
        columns: The columns.

    Raises:
        DataError: When there is no such column, or an example of the kind of task is not a row.
    """
    if not columns:
        return task
    if not task.kind.of_rows:
        raise DataError(
            f"task {task.name}: the space goes by the column{'s' * (len(columns) > 1)} {', '.join(columns)} of the "
            f"training rows, which examples of {task.kind.name} are not; leave that out of its `data`"
        )
    table = source.tables["train"]
    for column in columns:
        if column not in table.columns:
            raise DataError(
                f"'{table.source}' has no column '{column}', by which the space goes; found: "
                f"{', '.join(table.columns)}. Name one under `data` of the space, or leave that out of it"
            )
    left_out = {place for places in task.intake["train"].drops.values() for place in places}
    used = replace(table, rows=[row for row in table.rows if row[0] not in left_out])
    rows = [used.rows[number][1] for number in task.kind.row_numbers(task, used)]
    return replace(task, beside={column: [row.get(column) for row in rows] for column in columns})
