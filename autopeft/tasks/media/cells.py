"""Pictures and sounds in the cells of tables: paths, bytes, or both as `datasets` keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.intake import listed
from autopeft.tasks.media.item import MediaItem
from autopeft.tasks.media.medium import Medium
from autopeft.tasks.tables import Table, is_missing, kind_in_words
from autopeft.tasks.tables.cells import Unreadable

__all__ = ["check_column", "item_of", "looks_like", "of_tables"]

#: So many cells tell what a column holds.
_LOOKED_AT = 20


def looks_like(medium: Medium, table: Table, column: str) -> bool:
    """Tell whether a column holds pictures or sounds, as far as its first cells say."""
    cells = [row.get(column) for _, row in table.rows[:_LOOKED_AT]]
    held = [cell for cell in cells if not is_missing(cell)]
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
    medium: Medium, tables: Mapping[str, Table], column: str, folder: Path
) -> tuple[dict[str, Table], dict[str, MediaItem]]:
    """Return tables whose cells name pictures or sounds, and these by the names.

    Args:
        medium: Which of both.
        tables: The tables, by split.
        column: The column with them.
        folder: Where paths begin.

    Raises:
        DataError: When there is no such column, a cell holds none, or names a file that there is not.
    """
    named: dict[str, Table] = {}
    items: dict[str, MediaItem] = {}
    wrong = []
    for split, table in tables.items():
        check_column(medium, table, column)
        rows = []
        for number, (place, row) in enumerate(table.rows):
            cell = row.get(column)
            if is_missing(cell):
                rows.append((place, row))
                continue
            found = item_of(medium, cell, place, folder)
            if isinstance(found, str):
                wrong.append(f"{place} {found}")
                continue
            key = f"{split} {number}"
            items[key] = found
            rows.append((place, {**row, column: key}))
        named[split] = replace(table, rows=rows)
    if wrong:
        raise DataError(
            f"column '{column}': {listed(wrong)}; expected paths of {medium.several}, from the folder of the table on, "
            f"or the {medium.several} themselves"
        )
    return named, items


def item_of(medium: Medium, cell: Any, place: str, folder: Path) -> MediaItem | str:
    """Return the picture or sound of a cell; why there is none, in words that follow its place."""
    if isinstance(cell, Mapping):
        held, path = cell.get("bytes"), cell.get("path")
        if isinstance(held, bytes):
            return medium.item(str(path or place), held)
        cell = path
    if isinstance(cell, Unreadable) and cell.raw is not None:
        return medium.item(place, cell.raw)
    if not isinstance(cell, str):
        return f"holds {kind_in_words(cell)}"
    file = folder / Path(cell.strip()).expanduser()
    return medium.item(cell, file) if file.is_file() else f"names '{cell}', which is not there"
