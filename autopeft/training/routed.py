"""Predictions by adapters of which each of several tasks has its own: rows go to those of their task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autopeft.errors import DataError, UnreadableError
from autopeft.saved import Opened
from autopeft.tasks import TASK_COLUMN
from autopeft.tasks.tables import Table, read_source
from autopeft.training.predict import predict
from autopeft.training.predictions import Predictions
from autopeft.trials import Prediction

__all__ = ["predict_tasks", "rows_of_tasks"]


def rows_of_tasks(
    folder: Path,
    names: Sequence[str],
    texts: Sequence[Any],
    file: str | Path | None,
    columns: Mapping[str, str] | None = None,
) -> Table:
    """Return the rows of a file, each of which says of which task it is.

    Args:
        folder: The folder of all.
        names: The names of the tasks.
        texts: Texts that are given in place of a file.
        file: The file.
        columns: Columns that a user names; none can be, as each task has its own.

    Raises:
        DataError: When there is none, or it does not say.
    """
    if columns:
        raise DataError(
            f"{folder} reads of each task the columns that it was trained on; leave --{', --'.join(columns)} out, or "
            f"name the folder of one task: {', '.join(names)}"
        )
    if file is None or len(texts):
        raise DataError(
            f"{folder} holds adapters of {', '.join(names)}; expected a file whose column '{TASK_COLUMN}' says of "
            "which of them each row is, or the folder of one of them"
        )
    parts = read_source(file, [])
    if len(parts) > 1:
        raise DataError(f"'{file}' holds {' and '.join(parts)}; expected the rows of one split: name its file")
    table = next(iter(parts.values()))
    if TASK_COLUMN not in table.columns:
        raise DataError(
            f"{table.source} has no column '{TASK_COLUMN}'; it has {', '.join(table.columns)}: expected one that says "
            f"of each row of which task it is, one of {', '.join(names)}"
        )
    return table


def predict_tasks(
    folder: Path,
    names: Sequence[str],
    table: Table,
    open_one: Callable[[Path], Opened],
    *,
    max_new_tokens: int | None = None,
) -> Predictions:
    """Predict each row by the adapters of its task; rows of no such task have no prediction.

    Args:
        folder: The folder of all.
        names: The names of the tasks.
        table: The rows.
        open_one: Opens the folder of a task.
        max_new_tokens: As for `predict`.

    Raises:
        AutopeftError: When no row at all can be predicted, or the rows of a task lack a column.
    """
    found: list[Prediction | None] = [None] * len(table.rows)
    notes: list[str] = []
    for name in names:
        mine = [number for number, (_, row) in enumerate(table.rows) if str(row.get(TASK_COLUMN)) == name]
        if not mine:
            continue
        rows = replace(table, rows=[table.rows[number] for number in mine], used=table.used | {TASK_COLUMN})
        try:
            told = predict(open_one(folder / name), rows, max_new_tokens=max_new_tokens)
        except UnreadableError as error:
            notes.append(f"{name}: {error}")
            continue
        notes += [f"{name}: {note}" for note in told.notes]
        for number, one in zip(mine, told.rows, strict=True):
            found[number] = one
    strange = [place for place, row in table.rows if str(row.get(TASK_COLUMN)) not in names]
    if strange:
        notes.append(f"{len(strange):,} rows of other tasks than {', '.join(names)} have no prediction ({strange[0]})")
    if not any(found):
        raise UnreadableError(
            f"no row of '{table.source}' can be predicted: {'; '.join(notes) or 'it holds none'}; expected rows of "
            f"{', '.join(names)}"
        )
    return Predictions(tuple(found), tuple(notes))
