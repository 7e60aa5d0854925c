"""Rows of JSON: an object a line, objects one after another, an array of objects, or one object that holds them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.tables.cells import kind_in_words
from autopeft.tasks.tables.header import stripped
from autopeft.tasks.tables.json_layouts import rows_within
from autopeft.tasks.tables.lines import line_ends
from autopeft.tasks.tables.table import Row, Table

__all__ = ["read_json"]

_BLANKS = " \t\n\r"

#: Byte-order marks where files were put together, each with its own; no text of JSON has a line end as it is.
_MARKS = re.compile("(?:(?<=[\\n\\r])|\\A)\ufeff+")


class _RepeatedKeyError(ValueError):
    """An object has two values of one name."""


def read_json(source: str, text: str) -> Table:
    """Read objects: one a line, one after another, in an array, or under a key of one object.

    Args:
        source: Where the text comes from, for messages.
        text: The text.

    Raises:
        DataError: When it is none of these, naming the line.
    """
    marked = [line_ends(text, 0, mark.start()) + 1 for mark in _MARKS.finditer(text)]
    notes = [f"a byte-order mark before line {line} left out" for line in marked]
    text = _MARKS.sub("", text)
    begin = _skip(text, 0)
    if text[begin : begin + 1] == "[":
        rows = list(_array(source, text, begin + 1))
    elif _alone(text, separator := "\r" if "\r" in text and "\n" not in text else "\n"):
        rows = list(_lines(source, text, separator))
    else:
        rows = list(_objects(source, text))
        if len(rows) > 1:
            notes.append("objects one after another, over several lines each")
    if len(rows) == 1 and text[begin : begin + 1] == "{":
        found = rows_within(source, rows[0], spread=bool(line_ends(text.strip(_BLANKS))))
        if found is not None:
            rows = found[0]
            notes.append(found[1])
    columns = dict.fromkeys(key for _, row in rows for key in row)
    return stripped(Table(source, tuple(columns), rows, tuple(notes)))


def _alone(text: str, separator: str) -> bool:
    """Tell whether each line is meant as a value by itself: the first is, or the second, below a broken one."""
    lines = [line for line in text.lstrip(_BLANKS).split(separator, 9)[:9] if line.strip(_BLANKS)]
    if len(lines) < 2 or _is_object(lines[0]):
        return True
    return _is_object(lines[1]) and lines[0].rstrip(_BLANKS)[-1] not in "[{,:"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except RecursionError:
        return True
    except ValueError as error:
        # A number that is too long, or a key that stands twice, is told of where the line is read.
        return not isinstance(error, json.JSONDecodeError)


def _lines(source: str, text: str, separator: str) -> Iterator[Row]:
    # Not `splitlines`, which also parts lines at characters that JSON may hold as they are.
    decoder = _decoder()
    for number, line in enumerate(text.split(separator), 1):
        if line.strip(_BLANKS):
            value, end = _value(source, decoder, line, _skip(line, 0), number)
            if line[end:].strip(_BLANKS):
                raise _no_json(source, number, f"something follows the object, at letter {_skip(line, end) + 1}")
            yield f"line {number}", _object(source, f"line {number}", value)


def _objects(source: str, text: str) -> Iterator[Row]:
    """Read objects that stand one after another, as programs print them for people."""
    decoder = _decoder()
    text = text.rstrip(_BLANKS)
    line, counted, position = 1, 0, _skip(text, 0)
    while position < len(text):
        line, counted = line + line_ends(text, counted, position), position
        value, position = _value(source, decoder, text, position, line)
        yield f"line {line}", _object(source, f"line {line}", value)
        position = _skip(text, position)


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
        value, position = _value(source, decoder, text, position, line)
        yield f"line {line}", _object(source, f"line {line}", value)
        first = False
    if text[position + 1 :].strip(_BLANKS):
        raise _no_json(source, line, "something follows the end of the array")


def _value(source: str, decoder: json.JSONDecoder, text: str, position: int, line: int) -> tuple[Any, int]:
    """Return the value at a position, which is in a line of that number, and where it ends."""
    try:
        return decoder.raw_decode(text, position)
    except _RepeatedKeyError as error:
        raise DataError(f"data file '{source}', line {line}: {error}") from None
    except json.JSONDecodeError as error:
        at = line + line_ends(text, position, error.pos)
        raise _no_json(source, at, f"{error.msg}, at letter {error.colno}") from error
    except RecursionError as error:
        raise _no_json(source, line, "lists or objects within each other, too deep to be read") from error
    except ValueError as error:
        # Python refuses whole numbers of more than 4,300 digits.
        raise _no_json(source, line, "a number of too many digits to be read") from error


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
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise _RepeatedKeyError(f"the key '{twice}' stands twice in one object; expected each once")
    return found


def _skip(text: str, position: int) -> int:
    while text[position : position + 1] and text[position] in _BLANKS:
        position += 1
    return position
