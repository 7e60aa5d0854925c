"""What training rows hold beside what a kind of task reads: columns that data levers go by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.intake import Intake
from autopeft.tasks.pool import used_rows
from autopeft.tasks.source import Source
from autopeft.tasks.tables import Table, is_missing, kind_in_words, mended, text_of
from autopeft.tasks.task import POOL, Task

__all__ = ["texts_beside", "with_beside"]


def with_beside(task: Task, source: Source, columns: Sequence[str]) -> Task:
    """Return a task that knows what its training rows hold in further columns.

    Args:
        task: The task.
        source: Where its rows come from.
        columns: The columns.

    Raises:
        DataError: When there is no such column, the task reads it already, or an example of the kind of task is not a
            row.
    """
    if not columns:
        return task
    if task.kind.layout_of(source) is not None or source.spec.parts:
        raise DataError(
            f"task {task.name}: the space goes by {', '.join(columns)}, and '{source.name}' is no table with such "
            "columns; give the data as rows with them, or leave that out of `data` of the space"
        )
    beside: dict[str, list[Any]] = {column: [] for column in columns}
    intake = dict(task.intake)
    for name in ("train", *((POOL,) if task.pool is not None else ())):
        table, account = source.tables[name], task.intake[name]
        _check(table, account, columns, task)
        used = replace(table, rows=used_rows(table, account))
        for column, cells in beside.items():
            # Of a pool each row that is used is an example.
            held = [row.get(column) for _, row in used.rows]
            cells += held if name == POOL else task.kind.cells(task, used, column)
        intake[name] = replace(account, unused=tuple(each for each in account.unused if each not in columns))
    return replace(task, beside=beside, intake=intake)


def _check(table: Table, account: Intake, columns: Sequence[str], task: Task) -> None:
    for column in columns:
        if column not in table.columns:
            raise DataError(
                f"'{table.source}' has no column '{column}', by which the space goes; found: "
                f"{', '.join(table.columns)}. Name one under `data` of the space, or leave that out of it"
            )
        if column not in account.unused:
            raise DataError(
                f"task {task.name}: the space goes by the column '{column}', which the task itself reads, as what is "
                "asked or what is to be told; name another under `data` of the space, or leave that out of it"
            )


def texts_beside(task: Task, column: str) -> list[str | None]:
    """Return the texts of a column beside a task's training examples; None where an example has nothing there.

    Raises:
        DataError: When it holds something else than text.
    """
    found: list[str | None] = []
    for value in task.beside[column]:
        text = None if is_missing(value) else text_of(value)
        if text is None and not is_missing(value):
            raise DataError(
                f"task {task.name}: the column '{column}' holds {kind_in_words(value)} in a training row; expected "
                "text or nothing, for it stands in place of text"
            )
        found.append(None if text is None else mended(text))
    return found
