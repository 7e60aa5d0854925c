"""How many files of each dirt and format were read and refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.tasks.dirty.dirt import DIRT
from tests.tasks.dirty.drawing import applicable

__all__ = ["counted_table", "empty_cells"]

Counts = Mapping[tuple[str, str, str], int]


def empty_cells(counts: Counts, formats: Sequence[str]) -> list[tuple[str, str]]:
    """Return the kinds of dirt, each with a format that can have it, of which there was no file."""
    cells = [(name, format) for format in formats for name in applicable(format)]
    return [cell for cell in cells if not any(counts.get((*cell, ended)) for ended in ("read", "refused"))]


def counted_table(counts: Counts, formats: Sequence[str]) -> str:
    """Return a table of `read + refused`; a dot where a format cannot have a dirt."""
    width = max(map(len, DIRT)) + 2
    lines = ["".ljust(width) + "".join(format.rjust(9) for format in formats)]
    for name in ("none", *DIRT):
        cells = [
            f"{counts.get((name, format, 'read'), 0)}+{counts.get((name, format, 'refused'), 0)}"
            if name == "none" or name in applicable(format)
            else "."
            for format in formats
        ]
        lines.append(name.ljust(width) + "".join(cell.rjust(9) for cell in cells))
    return "\n".join([*lines, f"{sum(counts.values()):,} in all, read + refused"])
