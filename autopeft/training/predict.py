"""Let something trained say what it has learned to say, of rows without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autopeft.errors import AutopeftError, DataError, UnreadableError
from autopeft.saved import Opened
from autopeft.tasks.intake import Intake, listed
from autopeft.tasks.tables import Row, Table, read_source
from autopeft.training.predictions import Predictions
from autopeft.trials import Prediction, kind_of

__all__ = ["predict", "rows_for"]


def rows_for(
    opened: Opened,
    texts: Sequence[Any] = (),
    file: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
) -> tuple[Opened, Table]:
    """Return the rows that something trained is to read, and it, knowing their columns.

    Args:
        opened: Something trained.
        texts: Texts, or pairs of them where it compares two; to a decoder, what is asked or is to be gone on with.
        file: A file, a folder or a pattern of files in place of them, read as a search reads its data.
        columns: Where the texts stand in the file, by the flags of `Use.asking`; where they stood in the training
            data when left out.

    Raises:
        AutopeftError: When both or neither are given, or they are of another form.
    """
    if bool(len(texts)) == (file is not None):
        found = "neither" if file is None else "both"
        raise AutopeftError(f"expected texts or a file to predict, and not both; found {found}")
    if file is None:
        return opened, _table_of(opened, texts)
    named = dict(columns or {})
    parts = read_source(file, [*named.values()])
    if len(parts) > 1:
        raise DataError(f"'{file}' holds {' and '.join(parts)}; expected the rows of one split: name its file")
    return replace(opened, use=opened.use.reading(named)), next(iter(parts.values()))


def _table_of(opened: Opened, inputs: Sequence[Any]) -> Table:
    """Return inputs as rows."""
    schema = opened.use.reads
    try:
        given = opened.task.kind.rows_of(schema, inputs)
    except DataError as error:
        raise DataError(f"{opened.folder} {error}") from None
    rows: list[Row] = [(f"input {number}", row) for number, row in enumerate(given, 1)]
    return Table("the input", tuple(opened.use.asking.values()), rows)


def predict(opened: Opened, table: Table, *, max_new_tokens: int | None = None) -> Predictions:
    """Predict the label of each row of a table, or answer it.

    Args:
        opened: Something trained.
        table: The rows.
        max_new_tokens: Of a decoder, how many tokens an answer has at most; as answers that were learned have when
            left out.

    Returns:
        A prediction for each row, and which rows cannot be read.

    Raises:
        AutopeftError: When the rows lack a column, or something in them has another form.
    """
    kind = kind_of(opened.task)
    split, numbers, intake = opened.task.kind.unlabelled(opened.use.reads, table)
    found, said = kind.predict(opened.ready, split, max_new_tokens=max_new_tokens)
    notes = [*opened.notes, *said]
    if not numbers:
        if not intake.drops:
            raise UnreadableError(f"'{intake.source}' holds no rows; expected some to predict")
        reason, places = next(iter(intake.drops.items()))
        raise UnreadableError(
            f"none of the {intake.rows:,} rows of '{intake.source}' can be read: {reason} ({places[0]})"
        )
    rows: list[Prediction | None] = [None] * len(table.rows)
    for number, one in zip(numbers, found, strict=True):
        rows[number] = one
    return Predictions(tuple(rows), (*notes, *_said(intake, rows)))


def _said(intake: Intake, rows: Sequence[Prediction | None]) -> list[str]:
    """Say how rows were read, and which have no prediction."""
    lines = replace(intake, drops={}, unused=()).describe()
    without = sum(row is None for row in rows)
    if not without:
        return lines
    reasons = [f"{reason} ({listed(places)})" for reason, places in intake.drops.items()]
    if without > intake.dropped:
        reasons.append("it is empty, or longer than the model reads")
    each = "1 row has" if without == 1 else f"{without:,} rows have"
    return [*lines, f"{each} no prediction: {'; '.join(reasons)}"]
