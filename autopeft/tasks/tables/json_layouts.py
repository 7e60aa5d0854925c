"""The layouts in which one object of JSON holds all rows: under a key, by column, by index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.tables.table import Row

__all__ = ["rows_within"]

#: Keys of the messages of one conversation, which are no rows.
_OF_MESSAGES = ({"role", "content"}, {"from", "value"})


def rows_within(source: str, only: Row, *, spread: bool) -> tuple[list[Row], str] | None:
    """Return the rows that the only object of a source holds, and what there is to say of that.

    Args:
        source: Where it comes from, for messages.
        only: The object.
        spread: Whether it goes over several lines, and so was not meant as one row of many.

    Returns:
        None where it is a row itself.

    Raises:
        DataError: When it holds rows in a way that is not known.
    """
    place, found = only
    if any(isinstance(value, list) and any(map(_is_message, value)) for value in found.values()):
        return None
    lists = {key: value for key, value in found.items() if _is_rows(value)}
    if _is_viewer(found):
        return _viewed(source, found), _said("rows", found)
    if len(lists) == 1:
        [(key, values)] = lists.items()
        if not all(isinstance(row, Mapping) for row in values):
            raise DataError(f"data file '{source}': not all that stands under '{key}' are objects; expected rows")
        return [(f"row {number}", row) for number, row in enumerate(values, 1)], _said(key, found)
    for layout in (_split, _by_column, _by_index):
        rows = layout(found)
        if rows is not None:
            return rows
    if lists or (spread and found):
        where = f", {place}" if not spread else ""
        raise DataError(
            f"data file '{source}'{where} is one object with {', '.join(map(repr, list(found)[:5]))}"
            f"{', ...' if len(found) > 5 else ''}; expected an array of objects, or an object a line"
        )
    return None


def _said(key: str, found: Mapping[str, Any]) -> str:
    others = [other for other in found if other != key]
    beside = f"; beside it, and left out: {', '.join(map(repr, others))}" if others else ""
    return f"one object, whose rows are under '{key}'{beside}"


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping) and not _is_message(value[0])


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and any(keys <= value.keys() for keys in _OF_MESSAGES)


def _is_viewer(found: Mapping[str, Any]) -> bool:
    """Recognise what the hub's viewer answers: each row in an object of its own, with its number."""
    rows = found.get("rows") or []
    return _is_rows(rows) and all(isinstance(row, Mapping) and isinstance(row.get("row"), Mapping) for row in rows)


def _viewed(source: str, found: Mapping[str, Any]) -> list[Row]:
    for number, row in enumerate(found["rows"], 1):
        if row.get("truncated_cells"):
            raise DataError(
                f"data file '{source}', row {number}: {', '.join(map(str, row['truncated_cells']))} is cut short by "
                "the hub's viewer; name the data set itself, or save it whole"
            )
    return [(f"row {number}", row["row"]) for number, row in enumerate(found["rows"], 1)]


def _split(found: Mapping[str, Any]) -> tuple[list[Row], str] | None:
    """Read pandas' orient="split": the names of columns, and a list for each row."""
    columns, data = found.get("columns"), found.get("data")
    if not isinstance(columns, list) or not isinstance(data, list) or not found.keys() <= {"columns", "index", "data"}:
        return None
    names = [str(column) for column in columns]
    if not data or len(set(names)) < len(names):
        return None
    if not all(isinstance(row, list) and len(row) == len(names) for row in data):
        return None
    rows: list[Row] = [
        (f"row {number}", dict(zip(names, values, strict=True))) for number, values in enumerate(data, 1)
    ]
    return rows, "one object, whose rows are under 'data', and the names of their columns under 'columns'"


def _by_column(found: Mapping[str, Any]) -> tuple[list[Row], str] | None:
    """Read an object of columns: each a list, or by index, as pandas writes it if not told otherwise."""
    columns = list(found.values())
    if len(columns) < 2:
        return None
    said = f"one object of {len(found)} columns"
    if all(isinstance(column, list) for column in columns):
        if len({len(column) for column in columns}) > 1 or len(columns[0]) < 2:
            return None
        return _transposed(found, [list(column) for column in columns]), said
    if not all(isinstance(column, Mapping) and column.keys() == columns[0].keys() for column in columns):
        return None
    index = columns[0].keys()
    if len(index) < 2 or not all(key.isdecimal() for key in index) or all(key.isdecimal() for key in found):
        return None
    return _transposed(found, [[column[key] for key in index] for column in columns]), f"{said}, by index"


def _transposed(found: Mapping[str, Any], columns: list[list[Any]]) -> list[Row]:
    return [
        (f"row {number}", dict(zip(found, values, strict=True)))
        for number, values in enumerate(zip(*columns, strict=True), 1)
    ]


def _by_index(found: Mapping[str, Any]) -> tuple[list[Row], str] | None:
    """Read pandas' orient="index": an object of rows, whose keys are numbers."""
    if len(found) < 2 or not all(key.isdecimal() for key in found):
        return None
    if not all(isinstance(row, Mapping) for row in found.values()):
        return None
    return [(f"row {key}", row) for key, row in found.items()], f"one object of {len(found)} rows, by index"
