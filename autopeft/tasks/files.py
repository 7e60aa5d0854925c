"""Read rows from a CSV, TSV, JSONL or Parquet file."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from autopeft.errors import DataError
from autopeft.tasks.rows import Rows, pick

__all__ = ["ENDINGS", "Table", "read_rows", "read_table"]

#: File endings that can be read; each also with `.gz`, Parquet excepted.
ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet")

# A whole document may be one field; the csv module stops at 128 KiB otherwise.
_FIELD_LIMIT = 2**30


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    Args:
        source: Where they come from, for messages.
        columns: Names of the columns; of JSONL those of the first row.
        rows: The rows by column name, each with where it stands, e.g. `line 3`.
    """

    source: str
    columns: tuple[str, ...]
    rows: list[tuple[str, dict[str, Any]]]


def read_rows(path: str | Path, columns: Sequence[str]) -> Rows:
    """Read some columns of a file.

    Args:
        path: The file; its ending says what it is.
        columns: Names of the columns to read.

    Returns:
        One tuple of values a row, in the order of `columns`.

    Raises:
        DataError: When the file is missing, unreadable or lacks a column.
    """
    table = read_table(path, columns)
    return pick((row for _, row in table.rows), columns, table.source, known=table.columns or None)


def read_table(path: str | Path, columns: Sequence[str] | None = None) -> Table:
    """Read a file.

    Args:
        path: The file; its ending says what it is.
        columns: Names of the columns that matter, where reading fewer is cheaper; all when left out.

    Raises:
        DataError: When the file is missing or unreadable.
    """
    file = Path(path).expanduser()
    if file.is_dir():
        raise DataError(f"'{path}' is a folder; expected a file ending in one of: {', '.join(ENDINGS)}")
    if not file.exists():
        raise DataError(f"data file '{path}' was not found; check the path (from {Path.cwd()})")
    suffixes = [suffix.lower() for suffix in file.suffixes]
    ending = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else "".join(suffixes[-1:])
    if ending not in ENDINGS:
        raise DataError(
            f"data file '{path}' ends in '{ending}'; expected one of: {', '.join(ENDINGS)} "
            "(text files also compressed, as .gz)"
        )
    try:
        if ending == ".parquet":
            return _read_parquet(file, columns)
        with _open_text(file) as stream:
            if ending == ".jsonl":
                rows = list(_json_rows(file, stream))
                return Table(str(path), tuple(rows[0][1]) if rows else (), rows)
            return _read_separated(file, stream, tab=ending == ".tsv")
    except UnicodeDecodeError as error:
        raise DataError(f"data file '{path}' is not UTF-8 text ({error.reason}); save it as UTF-8") from error
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise DataError(f"data file '{path}' cannot be read: {error}") from error


def _open_text(file: Path) -> IO[str]:
    """Open a text file, compressed or not; a leading byte-order mark is dropped."""
    if file.suffix.lower() == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _read_separated(file: Path, stream: Iterable[str], tab: bool) -> Table:
    """Read CSV, or TSV in which quotes mean nothing (GLUE's files hold unbalanced ones)."""
    csv.field_size_limit(_FIELD_LIMIT)
    reader = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE) if tab else csv.reader(stream)
    header = next(reader, None)
    if not header:
        raise DataError(f"data file '{file}' is empty; expected a first line with the names of the columns")

    def rows() -> Iterator[tuple[str, dict[str, Any]]]:
        for row in reader:
            if len(row) > len(header):
                raise DataError(
                    f"data file '{file}', line {reader.line_num}: found {len(row)} fields, "
                    f"expected {len(header)} as in the first line; "
                    + ("is there a tab in a text?" if tab else "quote texts that hold commas")
                )
            if row:
                yield f"line {reader.line_num}", dict(zip(header, row, strict=False))

    return Table(str(file), tuple(header), list(rows()))


def _json_rows(file: Path, stream: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read one JSON object a line."""
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(
                f"data file '{file}', line {number}: not JSON ({error}); expected one object a line"
            ) from error
        if not isinstance(row, dict):
            raise DataError(f"data file '{file}', line {number}: found a {type(row).__name__}, expected an object")
        yield f"line {number}", row


def _read_parquet(file: Path, columns: Sequence[str] | None) -> Table:
    """Read Parquet; only the columns asked for are loaded."""
    import pyarrow
    import pyarrow.parquet

    try:
        known = pyarrow.parquet.read_schema(file).names
        wanted = None if columns is None else [name for name in columns if name in known]
        table = pyarrow.parquet.read_table(file, columns=wanted)
    except pyarrow.ArrowException as error:
        raise DataError(f"data file '{file}' cannot be read as Parquet: {error}") from error
    rows = [(f"row {number}", row) for number, row in enumerate(table.to_pylist(), 1)]
    return Table(str(file), tuple(known), rows)
