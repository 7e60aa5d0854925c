"""Files that belong together: which split each is called after, and their rows one after the other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from autopeft.errors import DataError
from autopeft.tasks.tables.table import Table

__all__ = ["SPLIT_NAMES", "by_split", "natural", "split_of", "together"]

#: What publishers call the splits, ours first.
SPLIT_NAMES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test",),
}


def together(source: str, tables: Sequence[Table], notes: Sequence[str] = ()) -> Table:
    """Put shards together, one after the other; each row is then known by its file too.

    Args:
        source: What they are called together.
        tables: The tables, one or more.
        notes: What there is to say of them together.
    """
    if len(tables) == 1 and tables[0].source == source and not notes:
        return tables[0]
    columns = dict.fromkeys(column for table in tables for column in table.columns)
    partial = [column for column in columns if any(column not in table.columns for table in tables)]
    said = dict.fromkeys(
        note if table.source == source else f"{table.source}: {note}" for table in tables for note in table.notes
    )
    if len(tables) > 1:
        said = {f"{len(tables)} files, {tables[0].source} to {tables[-1].source}": None, **said}
    if partial:
        said[f"not all files have the columns {', '.join(partial)}"] = None
    return Table(
        source,
        tuple(columns),
        [
            (place if table.source == source else f"{table.source}, {place}", row)
            for table in tables
            for place, row in table.rows
        ],
        (*said, *notes),
        {name: labels for table in tables for name, labels in table.classes.items()},
        frozenset().union(*(table.repeated for table in tables)),
        folders=_folders(source, tables),
    )


def _folders(source: str, tables: Sequence[Table]) -> dict[str, Path]:
    found = {
        place if table.source == source else f"{table.source}, {place}": folder
        for table in tables
        for place, folder in table.folders.items()
    }
    # One for all is found faster, and all tables have one.
    alike = set(found.values())
    return {"": alike.pop()} if len(alike) == 1 else found


def by_split(name: str, parts: Mapping[str, Table]) -> dict[str, Table]:
    """Return parts by our names of splits.

    Raises:
        DataError: When none of them is one to train on.
    """
    found = {
        split: parts[alias]
        for split, aliases in SPLIT_NAMES.items()
        if (alias := next((each for each in aliases if each in parts), None)) is not None
    }
    if "train" not in found:
        raise DataError(f"data set '{name}' has no split 'train'; found: {', '.join(parts)}")
    return found


def split_of(file: PurePath) -> str | None:
    """Return the split that a file, or a folder above it, is called after."""
    words = {word for part in file.parts for word in re.split(r"[^a-z]+", part.lower())}
    found = [split for split, aliases in SPLIT_NAMES.items() if words & set(aliases)]
    return found[0] if len(found) == 1 else None


def natural(path: PurePath) -> list[tuple[int, int | str]]:
    """Sort `part-10` behind `part-9`."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", str(path))]
