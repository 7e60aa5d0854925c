"""Rows of an Excel workbook."""

from __future__ import annotations

import io
import zipfile

from autopeft.errors import DataError
from autopeft.tasks.tables.header import header_of
from autopeft.tasks.tables.table import Table

__all__ = ["read_excel"]


def read_excel(source: str, raw: bytes) -> Table:
    """Read the one sheet of a workbook that holds anything; its first row names the columns.

    Raises:
        DataError: When openpyxl is not installed, or the file is no such workbook.
    """
    try:
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError as error:
        raise DataError(
            f"reading '{source}' needs openpyxl, which is not installed; run `pip install 'autopeft[excel]'`, or save "
            "the sheet as CSV"
        ) from error
    try:
        # What formulas gave, not the formulas.
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        filled = {sheet.title: rows for sheet in book.worksheets if (rows := _rows(sheet))}
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataError(f"data file '{source}' cannot be read as an Excel workbook: {error}") from error
    if len(filled) != 1:
        found = f"the sheets {', '.join(map(repr, filled))}" if filled else "no sheet with anything in it"
        raise DataError(f"data file '{source}' has {found}; expected one: save the one to use alone, or as CSV")
    [(title, rows)] = filled.items()
    (_, first), *others = rows
    columns, notes, repeated = header_of([("" if cell is None else str(cell)) for cell in first])
    if len(book.worksheets) > 1:
        notes = (*notes, f"sheet '{title}', the only one with anything in it")
    return Table(
        source,
        columns,
        [(f"row {number}", dict(zip(columns, row, strict=False))) for number, row in others],
        notes,
        repeated=repeated,
    )


def _rows(sheet: object) -> list[tuple[int, tuple[object, ...]]]:
    """Return the rows of a sheet that hold anything, with their numbers."""
    rows = enumerate(sheet.iter_rows(values_only=True), 1)  # type: ignore[attr-defined]
    return [(number, row) for number, row in rows if any(cell is not None for cell in row)]
