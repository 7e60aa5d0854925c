"""Folders of pictures or sounds, one for each label."""

from __future__ import annotations

from pathlib import Path

from autopeft.errors import DataError
from autopeft.tasks.media.item import MediaItem
from autopeft.tasks.media.medium import Medium
from autopeft.tasks.tables import SPLIT_NAMES, Row, Table

__all__ = ["LABEL", "Read", "labelled_folders", "read_folders"]

#: The column of labels in tables that are made of folders.
LABEL = "label"

#: Tables, and the pictures or sounds that their cells stand for.
Read = tuple[dict[str, Table], dict[str, MediaItem]]


def labelled_folders(medium: Medium, path: Path) -> dict[str, dict[str, list[Path]]]:
    """Return the files in folders of labels, by split and label; nothing where the folder is no such folder.

    Args:
        medium: What files are looked for.
        path: A folder of folders called after labels, or of some called after splits that hold such folders.
    """
    inside = [each for each in sorted(path.iterdir()) if each.is_dir()]
    named = {each: split for each in inside for split, names in SPLIT_NAMES.items() if each.name.lower() in names}
    if named and set(inside) == set(named):
        return {split: found for folder, split in named.items() if (found := _labels(medium, folder))}
    found = _labels(medium, path)
    return {"train": found} if len(found) > 1 else {}


def _labels(medium: Medium, folder: Path) -> dict[str, list[Path]]:
    found = {}
    for label in sorted(each for each in folder.iterdir() if each.is_dir()):
        files = sorted(file for file in label.rglob("*") if file.suffix.lower() in medium.endings and file.is_file())
        if files:
            found[label.name] = files
    return found


def read_folders(medium: Medium, name: str, path: Path) -> Read:
    """Return tables of the files in folders of labels, by split.

    Args:
        medium: What files are read.
        name: What the user calls it.
        path: The folder; `labelled_folders` finds something in it.

    Raises:
        DataError: When there is nothing to train on, or a label has a single file there.
    """
    folders = labelled_folders(medium, path)
    if "train" not in folders:
        raise DataError(f"'{name}' has folders of {' and '.join(folders)} alone; expected one called train")
    alone = [f"'{label}'" for label, files in folders["train"].items() if len(files) == 1]
    if alone:
        raise DataError(
            f"'{name}': found one {medium.one} alone of {', '.join(alone[:5])}; expected several of each label: add "
            "some, or take the folder out"
        )
    others = sum(
        file.is_file() and file.suffix.lower() not in medium.endings
        for file in path.rglob("*")
        if not file.name.startswith(".")
    )
    notes = (f"left out, for they are no {medium.several}: {others} other files",) if others else ()
    tables: dict[str, Table] = {}
    items: dict[str, MediaItem] = {}
    for split, labels in folders.items():
        rows: list[Row] = []
        for label, files in labels.items():
            for file in files:
                key = str(file.relative_to(path))
                items[key] = medium.item(key, file)
                rows.append((key, {medium.column: key, LABEL: label}))
        tables[split] = Table(f"{name} ({split})", (medium.column, LABEL), rows, notes if split == "train" else ())
    return tables, items
