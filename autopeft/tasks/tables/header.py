"""The line that names the columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

__all__ = ["header_of"]


def header_of(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...], frozenset[str]]:
    """Return the names of columns, one for each cell.

    Args:
        cells: What the first line has.

    Returns:
        The names, blanks around them left out, those of nameless columns by their place; what there is to say of
        them; and the names that stand more than once.
    """
    names = [cell.strip() or f"(column {place}, without a name)" for place, cell in enumerate(cells, 1)]
    notes = []
    if any(cell != cell.strip() for cell in cells):
        notes.append("blanks around the names of columns left out")
    repeated = frozenset(name for name, count in Counter(names).items() if count > 1)
    return tuple(names), tuple(notes), repeated
