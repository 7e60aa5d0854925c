"""Rows of JSON: an object a line, or an array of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.tables.cells import kind_in_words
from autopeft.tasks.tables.lines import line_ends
from autopeft.tasks.tables.table import Row, Table

__all__ = ["read_json"]

_BLANKS = " \t\n\r"


class _RepeatedKeyError(ValueError):
    """An object has two values of one name."""


def read_json(source: str, text: str) -> Table:
    """Read an object a line, or an array of objects.

    Args:
        source: Where the text comes from, for messages.
        text: The text.

    Raises:
        DataError: When it is neither, naming the line.
    """
    begin = len(text) - len(text.lstrip(_BLANKS))
    notes: tuple[str, ...] = ()
    if text[begin : begin + 1] == "[":
        rows = list(_array(source, text, begin + 1))
    else:
        separator = "\r" if "\r" in text and "\n" not in text else "\n"
        try:
            rows = list(_lines(source, text, separator))
        except DataError:
            # One object over several lines may hold the rows.
            found = _wrapped(source, text)
            if found is None:
                raise
            rows, notes = found
    columns = dict.fromkeys(key for _, row in rows for key in row)
    return Table(source, tuple(columns), rows, notes)


def _lines(source: str, text: str, separator: str) -> Iterator[Row]:
    # Not `splitlines`, which also parts lines at characters that JSON may hold as they are.
    for number, line in enumerate(text.split(separator), 1):
        if line.strip(_BLANKS):
            yield f"line {number}", _object(source, f"line {number}", _parsed(source, number, line))


def _array(source: str, text: str, position: int) -> Iterator[Row]:
    """Read the elements of an array one by one, so that each is known by its line."""
    decoder = _decoder()
    line, counted, first = 1, 0, True
    while True:
        position = _skip(text, position)
        line, counted = line + line_ends(text, counted, position), position
        if text[position : position + 1] == "]":
            break
        if not first:
            if text[position : position + 1] != ",":
                raise _no_json(source, line, "expected a comma or the end of the array")
            position = _skip(text, position + 1)
            line, counted = line + line_ends(text, counted, position), position
        try:
            value, position = decoder.raw_decode(text, position)
        except _RepeatedKeyError as error:
            raise DataError(f"data file '{source}', line {line}: {error}") from None
        except (json.JSONDecodeError, RecursionError) as error:
            at = error.pos if isinstance(error, json.JSONDecodeError) else position
            raise _no_json(source, line_ends(text, 0, at) + 1, str(getattr(error, "msg", error))) from error
        yield f"line {line}", _object(source, f"line {line}", value)
        first = False
    if text[position + 1 :].strip(_BLANKS):
        raise _no_json(source, line, "something follows the end of the array")


def _wrapped(source: str, text: str) -> tuple[list[Row], tuple[str, ...]] | None:
    """Return the rows that stand in an object under one key, as some exports have them."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    lists = [key for key, value in found.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(lists) != 1:
        raise DataError(
            f"data file '{source}' is one object with {', '.join(map(repr, found)) or 'no keys'}; expected an array of "
            "objects, or an object a line"
        )
    rows: list[Row] = [
        (f"row {number}", _object(source, f"'{lists[0]}', row {number}", row))
        for number, row in enumerate(found[lists[0]], 1)
    ]
    others = [key for key in found if key != lists[0]]
    beside = f"; beside it, and left out: {', '.join(map(repr, others))}" if others else ""
    return rows, (f"one object, whose rows are under '{lists[0]}'{beside}",)


def _parsed(source: str, number: int, line: str) -> Any:
    try:
        return _decoder().decode(line)
    except _RepeatedKeyError as error:
        raise DataError(f"data file '{source}', line {number}: {error}") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise _no_json(source, number, str(error)) from error


def _no_json(source: str, line: int, reason: str) -> DataError:
    return DataError(
        f"data file '{source}', line {line}: not JSON ({reason}); expected one object a line, or an array of objects"
    )


def _object(source: str, place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"data file '{source}', {place}: found {kind_in_words(value)}; expected an object")
    return value


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=_pairs)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RepeatedKeyError(f"the key '{twice}' stands twice in one object; expected each once")
    return found


def _skip(text: str, position: int) -> int:
    while text[position : position + 1] and text[position] in _BLANKS:
        position += 1
    return position
