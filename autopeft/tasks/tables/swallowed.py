"""Whether a text that goes over several lines has swallowed rows, its quote being a stray one."""

from __future__ import annotations

import io
from collections import Counter

from autopeft.tasks.tables.dialect import PLAIN, Parsed, parse

__all__ = ["swallowed"]

#: A column is one of classes where its values are at most so many, and at most this share of the rows.
_MOST_CLASSES = 1000
_SHARE = 0.5


def swallowed(text: str, delimiter: str, found: Parsed) -> list[int]:
    """Return the lines in which a text begins that seems to have swallowed rows.

    A text over several lines seems so when each of those lines, taken for itself, has the fields of a row, and has in
    a column of classes a value that other rows have there.

    Args:
        text: The whole text.
        delimiter: What separates fields.
        found: What quotes make of it.
    """
    if not found.spans or len(found.header) == 1:
        return []
    spanning = {first for first, _ in found.spans}
    classes = _classes([fields for line, fields in found.rows if line not in spanning], len(found.header))
    lines = list(io.StringIO(text, newline=""))
    first_line = delimiter.join("x" for _ in found.header) + "\n"
    suspects = []
    for first, last in found.spans:
        inside = parse("".join([first_line, *lines[first - 1 : last]]), delimiter, PLAIN)
        if not inside.even or len(inside.rows) != last - first + 1:
            continue
        if any(
            all(fields[column].strip().strip('"') in known for _, fields in inside.rows)
            for column, known in classes.items()
        ):
            suspects.append(first)
    return suspects


def _classes(rows: list[list[str]], width: int) -> dict[int, set[str]]:
    """Return the values of the columns that hold classes, by their place."""
    found = {}
    for column in range(width):
        counts = Counter(value for fields in rows if (value := fields[column].strip()))
        if counts and len(counts) <= min(_MOST_CLASSES, max(1, _SHARE * len(rows))):
            found[column] = set(counts)
    return found
