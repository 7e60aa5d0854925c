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
    them, the last aside, have in some column values that other rows have there, as labels are. In verses lines may
    repeat, but what they repeat is in no other row.

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
    for first, last in found.spans:
        inside = parse("".join([first_line, *lines[first - 1 : last]]), delimiter, PLAIN)
        if not inside.even or len(inside.rows) != last - first + 1:
            continue
        columns = zip(*_fields(inside), strict=True)
        if any(_are_rows(column, known[number]) for number, column in enumerate(columns)):
            suspects.append(first)
    return suspects


def _fields(found: Parsed) -> list[list[str]]:
    return [[field.strip().strip('"') for field in fields] for _, fields in found.rows]


def _are_rows(values: Sequence[str], known: Set[str]) -> bool:
    """Tell whether most values of a column, the last aside, are known from other rows, or repeat beside such."""
    counts = Counter(values)
    before = [value for value in values[:-1] if value]
    elsewhere = sum(value in known for value in before)
    alike = sum(value in known or counts[value] > 1 for value in before)
    return elsewhere > 0 and 2 * alike > len(before)


def _values(rows: list[list[str]], width: int) -> list[set[str]]:
    """Return the values that each column has, without those of blanks."""
    return [{value for fields in rows if (value := fields[column].strip())} for column in range(width)]
