"""How many files of each dirt and format were read and refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

__all__ = ["counted_table", "empty_cells"]

#: By dirt, format, and how it ended: `read` or `refused`.
Counts = Mapping[tuple[str, str, str], int]
#: What dirt a format can have.
Suited = Callable[[str], Sequence[str]]


def empty_cells(counts: Counts, formats: Sequence[str], suited: Suited) -> list[tuple[str, str]]:
    """Return the kinds of dirt, each with a format that can have it, of which there was no file."""
    cells = [(name, format) for format in formats for name in suited(format)]
    return [cell for cell in cells if not any(counts.get((*cell, ended)) for ended in ("read", "refused"))]


def counted_table(counts: Counts, formats: Sequence[str], suited: Suited) -> str:
    """Return a table of `read + refused`; a dot where a format cannot have a dirt."""
    names = list(dict.fromkeys(name for format in formats for name in suited(format)))
    width = max(map(len, names)) + 2
    lines = ["".ljust(width) + "".join(format.rjust(9) for format in formats)]
    for name in ("none", *names):
        cells = [
            f"{counts.get((name, format, 'read'), 0)}+{counts.get((name, format, 'refused'), 0)}"
            if name == "none" or name in suited(format)
            else "."
            for format in formats
        ]
        lines.append(name.ljust(width) + "".join(cell.rjust(9) for cell in cells))
    return "\n".join(lines)
