"""Pictures and sounds in the cells of tables: paths, bytes, or both as `datasets` keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.intake import listed
from autopeft.tasks.media.item import MediaItem, printable
from autopeft.tasks.media.medium import Medium
from autopeft.tasks.tables import Row, Table, is_missing, kind_in_words, leads_outside
from autopeft.tasks.tables.cells import Unreadable

__all__ = ["cells_of", "check_column", "looks_like", "of_tables"]

#: So many cells tell what a column holds.
_LOOKED_AT = 20

#: So many letters of what should be a path are told.
_NAMED = 80


def looks_like(medium: Medium, table: Table, column: str) -> bool:
    """Tell whether a column holds pictures or sounds, as far as its first cells say."""
    cells = [row.get(column) for _, row in table.rows[:_LOOKED_AT]]
    held = [cell for cell in cells if not _is_empty(cell)]
    return bool(held) and all(_looks_like_one(medium, cell) for cell in held)


def _looks_like_one(medium: Medium, cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip().lower().endswith(medium.endings)
    if isinstance(cell, Mapping):
        return isinstance(cell.get("bytes"), bytes) or _looks_like_one(medium, cell.get("path") or "")
    return isinstance(cell, Unreadable) and cell.raw is not None


def check_column(medium: Medium, table: Table, column: str) -> None:
    """Check that there is a column.

    Raises:
        DataError: There is not.
    """
    if column not in table.columns:
        raise DataError(
            f"{table.source} has no column '{column}'; it has {', '.join(table.columns)}: name that of the "
            f"{medium.several} by --{medium.column}"
        )


def of_tables(
    medium: Medium, tables: Mapping[str, Table], column: str
) -> tuple[dict[str, Table], dict[str, MediaItem]]:
    """Return tables whose cells name pictures or sounds, and these by the names.

    Args:
        medium: Which of both.
        tables: The tables, by split.
        column: The column with them.

    Raises:
        DataError: When there is no such column, a cell holds none, or names a file that there is not, or elsewhere.
    """
    named: dict[str, Table] = {}
    items: dict[str, MediaItem] = {}
    wrong = []
    for split, table in tables.items():
        check_column(medium, table, column)
        rows: list[Row] = []
        for number, (place, row, found) in enumerate(cells_of(medium, table, column)):
            if isinstance(found, str):
                wrong.append(f"{place} {found}")
                continue
            key = None if found is None else f"{split} {number}"
            if key is not None and found is not None:
                items[key] = found
            rows.append((place, {**row, column: key}))
        named[split] = replace(table, rows=rows)
    if wrong:
        raise DataError(
            f"column '{column}': {listed(wrong)}; expected paths of {medium.several}, from the folder of the table on, "
            f"or the {medium.several} themselves"
        )
    return named, items


def cells_of(
    medium: Medium, table: Table, column: str
) -> Iterator[tuple[str, Mapping[str, Any], MediaItem | str | None]]:
    """Yield the rows of a table: where each stands, its values, and the picture or sound of its cell.

    Args:
        medium: Which of both.
        table: The table.
        column: The column with them.

    Returns:
        None in place of one where the cell is empty; where it holds none, why, in words that follow its place.
    """
    for place, row in table.rows:
        cell = row.get(column)
        # What a user names in place of a file of rows may be anywhere.
        folder = table.folder_of(place) if table.folders else None
        yield place, row, None if _is_empty(cell) else _item_of(medium, cell, place, folder)


def _is_empty(cell: Any) -> bool:
    if isinstance(cell, Mapping):
        return cell.get("bytes") is None and is_missing(cell.get("path"))
    return is_missing(cell)


def _item_of(medium: Medium, cell: Any, place: str, folder: Path | None) -> MediaItem | str:
    if isinstance(cell, Mapping):
        held, path = cell.get("bytes"), cell.get("path")
        if isinstance(held, bytes):
            return medium.item(printable(str(path or place)), held)
        cell = path
    if isinstance(cell, Unreadable) and cell.raw is not None:
        return medium.item(place, cell.raw)
    if not isinstance(cell, str):
        return f"holds {kind_in_words(cell)}"
    try:
        file = (folder or Path()) / Path(cell.strip()).expanduser()
        if folder is not None and leads_outside(folder, file):
            return f"names {_short(cell)!r}, which leads out of the folder of the table"
        there = file.is_file()
    except (RuntimeError, OSError, ValueError):
        # The home of nobody, or a name that is longer than names can be.
        there = False
    return medium.item(printable(cell), file) if there else f"names {_short(cell)!r}, which is not there"


def _short(text: str) -> str:
    return text if len(text) <= _NAMED else f"{text[:_NAMED]}..."
