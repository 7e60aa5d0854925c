"""From the cells of a label column to the names of several labels: lists, written lists, names that are joined."""

from __future__ import annotations

import json
from ast import literal_eval
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.labels import SEPARATORS, combined
from autopeft.tasks.tables import Table, is_missing, kind_in_words, mended, text_of

__all__ = ["SEPARATOR", "LabelCells", "label_cells"]

#: What joins names where nothing else is said or seen.
SEPARATOR = ";"


@dataclass(frozen=True)
class LabelCells:
    """How the cells of a label column are read.

    Args:
        separator: What joins names.
        notes: What was recognised, for people.
    """

    separator: str
    notes: tuple[str, ...]

    def of(self, value: Any) -> tuple[str, ...]:
        """Return the names in a cell that `label_cells` has looked at, each once."""
        return tuple(dict.fromkeys(mended(name) for name in _names(value, self.separator)))


def label_cells(tables: Mapping[str, Table], column: str, separator: str | None) -> LabelCells:
    """Decide how the cells of a label column are read, and look at each that is not empty.

    Args:
        tables: The tables by split.
        column: The column.
        separator: What joins names, where the user says it.

    Raises:
        DataError: Naming the first that holds something else than names, or names that are joined otherwise.
    """
    cells = [
        (f"'{table.source}', {place}", row.get(column))
        for table in tables.values()
        for place, row in table.rows
        if not is_missing(row.get(column))
    ]
    lists = sum(_as_list(value) is not None for _, value in cells)
    joined = {text.strip(): 1 for _, value in cells if _as_list(value) is None and (text := text_of(value)) is not None}
    used = separator or _seen(joined)
    found = LabelCells(used, tuple(_notes(column, len(cells), lists, joined, used)))
    twice = 0
    for where, value in cells:
        names = _checked(value, used, f"{where}: the label column '{column}'")
        twice += len(set(names)) < len(names)
    _refuse_mixed(cells, found, column)
    if not twice:
        return found
    return LabelCells(used, (*found.notes, f"{twice:,} rows have a label twice, which counts once"))


def _seen(joined: Mapping[str, int]) -> str:
    """Return what joins names: the usual separator, or another where only that one does."""
    if any(SEPARATOR in text for text in joined):
        return SEPARATOR
    return next((other for other in SEPARATORS if combined(joined, other)), SEPARATOR)


def _notes(column: str, cells: int, lists: int, joined: Mapping[str, int], separator: str) -> list[str]:
    apart = any(separator in text for text in joined)
    ways = [
        *(["lists"] if lists else []),
        *([f"names joined by '{separator}'"] if apart else ["single names"] if lists < cells else []),
    ]
    return [f"the labels of '{column}' are {' and '.join(ways)}"] if ways else []


def _checked(value: Any, separator: str, about: str) -> list[str]:
    """Return the names in a cell.

    Raises:
        DataError: When something in it is no name.
    """
    items = _as_list(value)
    if items is None and text_of(value) is None:
        raise DataError(f"{about} holds {kind_in_words(value)}; expected a list of names, or joined names")
    for item in items or ():
        if not isinstance(item, str) or is_missing(item):
            what = "an empty name" if isinstance(item, str) else kind_in_words(item)
            raise DataError(
                f"{about} holds a list with {what}, {json.dumps(items, default=str)[:60]}; expected names of labels"
            )
    names = _names(value, separator)
    if items is None and not names:
        raise DataError(
            f"{about} holds {text_of(value)!r} and no name; write [] where a text has none of the labels, or leave the "
            "cell empty to leave the row out"
        )
    return names


def _refuse_mixed(cells: Sequence[tuple[str, Any]], found: LabelCells, column: str) -> None:
    """Refuse names whose parts, by another separator, are labels themselves.

    Raises:
        DataError: Naming the first.
    """
    labels = {name for _, value in cells for name in found.of(value)}
    for where, value in cells:
        if _as_list(value) is not None:
            continue
        for name in found.of(value):
            for other in SEPARATORS:
                parts = [part.strip() for part in name.split(other) if part.strip()]
                if other != found.separator and len(parts) > 1 and labels.issuperset(parts):
                    raise DataError(
                        f"{where}: the label column '{column}' holds {name!r}, whose parts are labels by themselves, "
                        f"while names are joined by '{found.separator}': expected one separator throughout. Mend it, "
                        "name the separator by --label-separator, or give the labels as lists (JSONL, Parquet)"
                    )


def _names(value: Any, separator: str) -> list[str]:
    items = _as_list(value)
    parts = (text_of(value) or "").split(separator) if items is None else items
    return [part.strip() for part in parts if not is_missing(part)]


def _as_list(value: Any) -> list[Any] | None:
    """Return a list, or one that a text writes out as JSON or Python does; None for anything else."""
    if isinstance(value, list | tuple):
        return list(value)
    if not (isinstance(value, str) and value.strip().startswith("[") and value.strip().endswith("]")):
        return None
    for read in (json.loads, literal_eval):
        try:
            found = read(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        return found if isinstance(found, list) else None
    return None
