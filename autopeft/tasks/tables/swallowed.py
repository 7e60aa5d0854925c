"""Whether a text that goes over several lines has swallowed rows, its quote being a stray one."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence, Set

from autopeft.tasks.tables.dialect import PLAIN, Parsed, parse

__all__ = ["swallowed"]


def swallowed(text: str, delimiter: str, found: Parsed) -> list[int]:
    """Return the lines in which a text begins that seems to have swallowed rows.

    A text over several lines seems so when each of those lines, taken for itself, has the fields of a row, and most of
    them, the one with the row's own value aside, have in some column values that other rows have there, as labels are.
    In verses lines may repeat, but what they repeat is in no other row.

    Args:
        text: The whole text.
        delimiter: What separates fields.
        found: What quotes make of it.
    """
    if not found.spans or len(found.header) == 1:
        return []
    spanning = {first for first, _ in found.spans}
    known = _values([fields for line, fields in found.rows if line not in spanning], len(found.header))
    lines = list(io.StringIO(text, newline=""))
    first_line = delimiter.join("x" for _ in found.header) + "\n"
    suspects = []
    own = dict(found.rows)
    for first, last in found.spans:
        inside = parse("".join([first_line, *lines[first - 1 : last]]), delimiter, PLAIN)
        if not inside.even or len(inside.rows) != last - first + 1:
            continue
        columns = zip(zip(*_fields(inside), strict=True), own.get(first, found.header), known, strict=True)
        if any(_are_rows(column, value.strip(), values) for column, value, values in columns):
            suspects.append(first)
    return suspects


def _fields(found: Parsed) -> list[list[str]]:
    return [[field.strip().strip('"') for field in fields] for _, fields in found.rows]


def _are_rows(values: Sequence[str], own: str, known: Set[str]) -> bool:
    """Tell whether most values of a column, the row's own aside, are known from other rows, or repeat beside such."""
    counts = Counter(values)
    others = [value for value in values if value]
    if own in others:
        others.remove(own)
    elsewhere = sum(value in known for value in others)
    alike = sum(value in known or counts[value] > 1 for value in others)
    return elsewhere > 0 and 2 * alike > len(others)


def _values(rows: list[list[str]], width: int) -> list[set[str]]:
    """Return the values that each column has, without those of blanks."""
    return [{value for fields in rows if (value := fields[column].strip())} for column in range(width)]
