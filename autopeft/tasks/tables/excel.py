"""Rows of an Excel workbook."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from autopeft.errors import DataError
from autopeft.tasks.tables.header import header_of
from autopeft.tasks.tables.table import AGAIN, Table

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

__all__ = ["read_excel"]

_Cells = list[tuple[int, list[Any]]]


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
    errors: list[str] = []
    try:
        # What formulas gave, not the formulas.
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        filled = {sheet.title: rows for sheet in book.worksheets if (rows := _rows(sheet, errors))}
    # SyntaxError: XML that is cut short.
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        SyntaxError,
        LookupError,
        ValueError,
        TypeError,
        OSError,
    ) as error:
        raise DataError(f"data file '{source}' cannot be read as an Excel workbook: {error}. {AGAIN}") from error
    except (EOFError, AttributeError, zlib.error) as error:
        # What openpyxl stumbles over in a damaged file.
        raise DataError(f"data file '{source}' cannot be read as an Excel workbook: it is damaged ({error})") from error
    if len(filled) != 1:
        found = f"the sheets {', '.join(map(repr, filled))}" if filled else "no sheet with anything in it"
        raise DataError(f"data file '{source}' has {found}; expected one: save the one to use alone, or as CSV")
    [(title, rows)] = filled.items()
    (_, names), *others = rows
    width = max(len(cells) for _, cells in rows)
    _check_names(source, rows)
    columns, notes, repeated = header_of(["" if cell is None else str(cell) for cell in _padded(names, width)])
    if len(book.worksheets) > 1:
        notes = (*notes, f"sheet '{title}', the only one with anything in it")
    if errors:
        notes = (*notes, f"cells with an error, such as {errors[0]}, taken as empty: {len(errors):,}")
    return Table(
        source,
        tuple(dict.fromkeys(columns)),
        [(f"row {number}", dict(zip(columns, _padded(cells, width), strict=True))) for number, cells in others],
        notes,
        repeated=repeated,
    )


def _rows(sheet: ReadOnlyWorksheet, errors: list[str]) -> _Cells:
    """Return the rows of a sheet that hold anything, with their numbers, up to the last cell of each that does.

    Args:
        sheet: The sheet.
        errors: Takes up where cells hold errors, such as #N/A, in place of a value.
    """
    # Programs may leave an old number of rows and columns there, behind which nothing would be read.
    sheet.reset_dimensions()
    found = []
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = []
        for cell in row:
            if cell.data_type == "e":
                errors.append(f"{cell.value} in {cell.coordinate}")
            cells.append(None if cell.data_type == "e" else cell.value)
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            found.append((number, cells))
    return found


def _padded(cells: list[Any], width: int) -> list[Any]:
    return [*cells, *[None] * (width - len(cells))]


def _check_names(source: str, rows: _Cells) -> None:
    """Refuse a first row that is a title over the table: one cell alone, above rows of several."""
    (first, names), *others = rows
    wider = sum(len(cells) > 1 for _, cells in others)
    if len(names) == 1 and wider > len(others) / 2:
        raise DataError(
            f"data file '{source}', row {first}: found '{str(names[0])[:60]}' alone, over rows of more cells; expected "
            "the names of the columns in the first row that holds anything: take out what stands above them"
        )
