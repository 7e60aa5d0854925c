"""What a trained model says of rows, and the file that it is written to."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autopeft.errors import AutopeftError, DataError
from autopeft.tasks.tables import Table, is_missing, mended, text_of

__all__ = ["OUTPUTS", "Prediction", "Predictions", "check_output", "write_predictions"]

#: Endings of the files that predictions are written to.
OUTPUTS = (".csv", ".tsv", ".jsonl")

#: Columns that are added to those of the input.
PREDICTED, PROBABILITY = "predicted", "probability"


@dataclass(frozen=True)
class Prediction:
    """What a model says of one row.

    Args:
        text: The label of the row, or the answer to it.
        probabilities: Of a label, the probability of each, the most probable first; they sum to 1.
    """

    text: str
    probabilities: Mapping[str, float] | None = None

    @property
    def probability(self) -> float | None:
        """The probability of the label, in 0..1; None for an answer."""
        return None if self.probabilities is None else self.probabilities[self.text]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        if self.probabilities is None:
            return {PREDICTED: self.text}
        return {PREDICTED: self.text, PROBABILITY: self.probability, "probabilities": dict(self.probabilities)}


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


def check_output(file: Path, table: Table) -> None:
    """Check, before anything is computed, that predictions can be written.

    Args:
        file: The file.
        table: The rows.

    Raises:
        AutopeftError: When its ending is another, its folder is none, or the rows have a column of its name already.
    """
    if file.suffix.lower() not in OUTPUTS:
        raise AutopeftError(f"cannot write {file}: expected a name that ends in one of: {', '.join(OUTPUTS)}")
    if file.is_dir() or not file.resolve().parent.is_dir():
        found = "it is a folder" if file.is_dir() else f"there is no folder {file.resolve().parent}"
        raise AutopeftError(f"cannot write {file}: {found}")
    taken = [name for name in (PREDICTED, PROBABILITY, "probabilities") if name in table.columns]
    if taken:
        raise DataError(
            f"'{table.source}' has a column '{taken[0]}' already, which predictions are written to; give it another "
            "name, or leave it out"
        )


def write_predictions(table: Table, rows: Sequence[Prediction | None], file: Path) -> None:
    """Write the rows of a table, each with what was predicted of it, whole or not at all.

    Args:
        table: The rows.
        rows: What was predicted of each; None leaves its cells empty.
        file: The file, as `check_output` allows; one that is there is replaced.
    """
    partial = file.with_name(f".{file.name}.partial")
    try:
        with partial.open("w", encoding="utf8", newline="") as out:
            if file.suffix.lower() == ".jsonl":
                for (_, row), prediction in zip(table.rows, rows, strict=True):
                    found = {PREDICTED: None} if prediction is None else prediction.to_dict()
                    # JSON has no NaN.
                    there = {key: None if is_missing(value) else value for key, value in row.items()}
                    out.write(json.dumps({**there, **found}, default=str) + "\n")
            else:
                _write_cells(table, rows, csv.writer(out, delimiter="," if file.suffix.lower() == ".csv" else "\t"))
        os.replace(partial, file)
    except OSError as error:
        raise AutopeftError(f"cannot write {file}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _write_cells(table: Table, rows: Sequence[Prediction | None], out: Any) -> None:
    told = any(row is not None and row.probabilities is not None for row in rows)
    out.writerow([*map(mended, table.columns), PREDICTED, *([PROBABILITY] if told else [])])
    for (_, row), prediction in zip(table.rows, rows, strict=True):
        cells = [_cell(row.get(column)) for column in table.columns]
        cells.append("" if prediction is None else mended(prediction.text))
        if told:
            cells.append("" if prediction is None else f"{prediction.probability:.6f}")
        out.writerow(cells)


def _cell(value: Any) -> str:
    """Return a value as a cell has it; lists and objects as JSON."""
    if is_missing(value):
        return ""
    text = text_of(value)
    return mended(json.dumps(value, ensure_ascii=False, default=str) if text is None else text)
