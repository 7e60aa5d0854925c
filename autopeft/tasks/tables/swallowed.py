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
    them have in some column a value that other rows, or others of them, have there, as labels are.

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
        if any(_repeats(column, known[number]) for number, column in enumerate(zip(*_fields(inside), strict=True))):
            suspects.append(first)
    return suspects


def _fields(found: Parsed) -> list[list[str]]:
    return [[field.strip().strip('"') for field in fields] for _, fields in found.rows]


def _repeats(values: Sequence[str], known: Set[str]) -> bool:
    """Tell whether most values of a column are known from other rows, or stand in several."""
    counts = Counter(values)
    alike = sum(value in known or (value != "" and counts[value] > 1) for value in values)
    return 2 * alike > len(values)


def _values(rows: list[list[str]], width: int) -> list[set[str]]:
    """Return the values that each column has, without those of blanks."""
    return [{value for fields in rows if (value := fields[column].strip())} for column in range(width)]
