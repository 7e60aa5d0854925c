"""The line that names the columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from autopeft.tasks.tables.table import Table

__all__ = ["header_of", "stripped"]

_STRIPPED = "blanks around the names of columns left out"


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
        notes.append(_STRIPPED)
    repeated = frozenset(name for name, count in Counter(names).items() if count > 1)
    return tuple(names), tuple(notes), repeated


def stripped(table: Table) -> Table:
    """Return a table with the blanks around the names of its columns left out, as they are from a first line."""
    short = {name: name.strip() or name for name in table.columns}
    if all(name == whole for whole, name in short.items()):
        return table
    counts = Counter(short.values())
    return replace(
        table,
        columns=tuple(counts),
        rows=[(place, {short[name]: value for name, value in row.items()}) for place, row in table.rows],
        notes=(*table.notes, _STRIPPED),
        classes={short[name]: labels for name, labels in table.classes.items()},
        repeated=table.repeated | {name for name, count in counts.items() if count > 1},
    )
