"""What a trained model says of rows, and the file that it is written to."""

from __future__ import annotations

import csv
import json
import math
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from autopeft.errors import AutopeftError, DataError
from autopeft.spreadsheets import harmless
from autopeft.tasks.intake import listed
from autopeft.tasks.tables import Table, kind_in_words, mended, text_of
from autopeft.tasks.tables.cells import Unreadable
from autopeft.trials.prediction import PREDICTED, PROBABILITIES, PROBABILITY, Prediction
from autopeft.whole_file import whole_file

__all__ = ["OUTPUTS", "Predictions", "check_output", "write_predictions"]

#: Endings of the files that predictions are written to.
OUTPUTS = (".csv", ".tsv", ".jsonl")


@dataclass(frozen=True)
class Predictions:
    """What a model says of rows.

    Args:
        rows: A prediction for each row of the input, in its order; None where a row cannot be read.
        notes: What there is to say of the model and of the rows, for people.
        file: Where they were written; None where they were not.
    """

    rows: tuple[Prediction | None, ...]
    notes: tuple[str, ...] = ()
    file: Path | None = None


def check_output(file: Path, table: Table, read: Collection[str] = ()) -> None:
    """Check, before anything is computed, that predictions can be written.

    Args:
        file: The file.
        table: The rows.
        read: Columns that the model reads, which may hold files.

    Raises:
        AutopeftError: When its ending is another, nothing can be written there, or not all of the rows can.
    """
    if file.suffix.lower() not in OUTPUTS:
        raise AutopeftError(f"cannot write {file}: expected a name that ends in one of: {', '.join(OUTPUTS)}")
    try:
        if file.is_dir():
            raise AutopeftError(f"cannot write {file}: it is a folder")
        # A name that is too long, and a folder that is none or may not be written, show themselves.
        file.exists()
        with tempfile.TemporaryFile(dir=file.resolve().parent):
            pass
    except OSError as error:
        raise AutopeftError(f"cannot write {file}: {error.strerror or error}; give another place") from error
    taken = [name for name in (PREDICTED, PROBABILITY, PROBABILITIES) if name in table.columns]
    if taken:
        raise DataError(
            f"'{table.source}' has a column '{taken[0]}' already, which predictions are written to; give it another "
            "name, or leave it out"
        )
    if table.repeated:
        raise DataError(
            f"'{table.source}' has several columns called {listed(sorted(map(repr, table.repeated)))}, of which one "
            "would be written; give each a name of its own"
        )
    for place, row in table.rows:
        for column, value in row.items():
            if isinstance(value, Unreadable | bytes) and column not in read:
                raise DataError(
                    f"'{table.source}', {place}: '{column}' holds {kind_in_words(value)}, which cannot be written; "
                    "leave the column out"
                )


def write_predictions(table: Table, rows: Sequence[Prediction | None], file: Path) -> int:
    """Write the rows of a table, each with what was predicted of it, whole or not at all.

    In CSV and TSV a cell that a spreadsheet would run as a formula stands behind a `'`.

    Args:
        table: The rows.
        rows: What was predicted of each; None leaves its cells empty.
        file: The file, as `check_output` allows; one that is there is replaced, and what a link points to.

    Returns:
        How many cells stand behind a `'`.
    """
    file, changed = file.resolve(), 0
    with whole_file(file) as partial:
        with partial.open("w", encoding="utf8", newline="") as out:
            if file.suffix.lower() == ".jsonl":
                _write_lines(table, rows, out)
            else:
                delimiter = "," if file.suffix.lower() == ".csv" else "\t"
                changed = _write_cells(table, rows, csv.writer(out, delimiter=delimiter))
        if file.exists():
            partial.chmod(file.stat().st_mode & 0o777)
    return changed


def _write_lines(table: Table, rows: Sequence[Prediction | None], out: IO[str]) -> None:
    for (place, row), prediction in zip(table.rows, rows, strict=True):
        found = {PREDICTED: None} if prediction is None else prediction.to_dict()
        out.write(json.dumps({**_plain(_named(place, row)), **found}, allow_nan=False) + "\n")


def _write_cells(table: Table, rows: Sequence[Prediction | None], out: Any) -> int:
    """Write a header and the rows; return how many cells of them would have been formulas."""
    changed = 0

    def write(cells: Sequence[str]) -> None:
        nonlocal changed
        safe = [harmless(cell) for cell in cells]
        changed += sum(map(str.__ne__, cells, safe))
        out.writerow(safe)

    told = any(row is not None and row.probabilities is not None for row in rows)
    # What is no single label has no single probability.
    single = not told or any(row is not None and row.probability is not None for row in rows)
    named = [PROBABILITY if single else PROBABILITIES] if told else []
    write([*map(mended, table.columns), PREDICTED, *named])
    for (place, row), prediction in zip(table.rows, rows, strict=True):
        held = _named(place, row)
        cells = [_cell(held.get(column)) for column in table.columns]
        cells.append("" if prediction is None else mended(prediction.text))
        if told and single:
            cells.append("" if prediction is None else f"{prediction.probability:.6f}")
        elif told:
            cells.append("" if prediction is None else _cell(prediction.probabilities))
        write(cells)
    return changed


def _named(place: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row in which files are named: by their paths, or by where the row stands."""
    return {column: _name(place, value) for column, value in row.items()}


def _name(place: str, value: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(value.get("bytes"), bytes):
        return value.get("path") or place
    return place if isinstance(value, Unreadable | bytes) else value


def _cell(value: Any) -> str:
    """Return a value as a cell has it; lists and objects as JSON."""
    if isinstance(value, str):
        return mended(value)
    plain = _plain(value)
    return "" if plain is None else plain if isinstance(plain, str) else mended(json.dumps(plain, ensure_ascii=False))


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it, which has neither NaN nor infinity, nor dates."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    text = text_of(value)
    return str(value) if text is None else text
