"""Pictures in the cells of tables: paths, bytes, or both as `datasets` keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.image.layouts import ENDINGS
from autopeft.tasks.image.pictures import Picture
from autopeft.tasks.intake import listed
from autopeft.tasks.tables import Table, is_missing, kind_in_words
from autopeft.tasks.tables.cells import Unreadable

__all__ = ["looks_like_pictures", "of_tables", "picture_of"]

#: So many cells tell what a column holds.
_LOOKED_AT = 20


def looks_like_pictures(table: Table, column: str) -> bool:
    """Tell whether a column holds pictures, as far as its first cells say."""
    cells = [row.get(column) for _, row in table.rows[:_LOOKED_AT]]
    held = [cell for cell in cells if not is_missing(cell)]
    return bool(held) and all(_looks_like_one(cell) for cell in held)


def _looks_like_one(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip().lower().endswith(ENDINGS)
    if isinstance(cell, Mapping):
        return isinstance(cell.get("bytes"), bytes) or _looks_like_one(cell.get("path") or "")
    return isinstance(cell, Unreadable) and cell.raw is not None


def of_tables(tables: Mapping[str, Table], column: str, folder: Path) -> tuple[dict[str, Table], dict[str, Picture]]:
    """Return tables whose cells name pictures, and these by the names.

    Args:
        tables: The tables, by split.
        column: The column with the pictures.
        folder: Where paths begin.

    Raises:
        DataError: When a cell holds no picture, or names a file that there is not.
    """
    named, pictures, wrong = {}, {}, []
    for split, table in tables.items():
        rows = []
        for number, (place, row) in enumerate(table.rows):
            cell = row.get(column)
            if is_missing(cell):
                rows.append((place, row))
                continue
            found = picture_of(cell, place, folder)
            if isinstance(found, str):
                wrong.append(f"{place} {found}")
                continue
            key = f"{split} {number}"
            pictures[key] = found
            rows.append((place, {**row, column: key}))
        named[split] = replace(table, rows=rows)
    if wrong:
        raise DataError(
            f"column '{column}': {listed(wrong)}; expected paths of pictures, from the folder of the table on, or the "
            "pictures themselves"
        )
    return named, pictures


def picture_of(cell: Any, place: str, folder: Path) -> Picture | str:
    """Return the picture of a cell; why there is none, in words that follow its place."""
    if isinstance(cell, Mapping):
        held, path = cell.get("bytes"), cell.get("path")
        if isinstance(held, bytes):
            return Picture(str(path or place), held)
        cell = path
    if isinstance(cell, Unreadable) and cell.raw is not None:
        return Picture(place, cell.raw)
    if not isinstance(cell, str):
        return f"holds {kind_in_words(cell)}"
    file = folder / Path(cell.strip()).expanduser()
    return Picture(cell, file) if file.is_file() else f"names '{cell}', which is not there"
