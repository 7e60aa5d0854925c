"""The rows of a source, whatever it was, and how it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["AGAIN", "Row", "Table"]

#: What to do about a file that cannot be read.
AGAIN = "Is it damaged, or something else than its name says? Write it again, or name another"

#: Where a row stands, e.g. `line 3`, and its values by column.
Row = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Table:
    """The rows of a source.

    Args:
        source: Where they come from, for messages.
        columns: Names of the columns that any row has, in the order in which they come.
        rows: The rows; a key that a row lacks reads as None. Values are plain: texts, numbers, booleans, None, lists
            and mappings of them, dates as `datetime` has them.
        notes: What was recognised on the way in, for people: a delimiter, an encoding.
        classes: Of columns whose values are one of some names, or lists of them, the names in the order of the source.
        repeated: Names that several columns have; what they hold cannot be told apart.
        used: Columns that were made use of already, such as one by which the rows were split.
        folders: Where its files lie, by what the places of their rows begin with.
    """

    source: str
    columns: tuple[str, ...]
    rows: list[Row]
    notes: tuple[str, ...] = ()
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    folders: Mapping[str, Path] = field(default_factory=dict)

    def folder_of(self, place: str) -> Path:
        """Return the folder of the file that a row stands in, where paths in the row begin.

        Args:
            place: Where the row stands.
        """
        beginnings = (each for each in self.folders if place.startswith(each))
        return self.folders.get(max(beginnings, key=len, default=""), Path())
