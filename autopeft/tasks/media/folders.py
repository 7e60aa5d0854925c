"""Folders of pictures or sounds, one for each label."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from autopeft.errors import DataError
from autopeft.tasks.intake import listed
from autopeft.tasks.media.item import MediaItem, printable
from autopeft.tasks.media.laid import Laid, laid_in
from autopeft.tasks.media.medium import Medium
from autopeft.tasks.tables import SPLIT_NAMES, Row, Table, mended

__all__ = ["LABEL", "Read", "labelled_folders", "read_folders", "read_labels"]

#: The column of labels in tables that are made of folders.
LABEL = "label"

#: Tables, and the pictures or sounds that their cells stand for.
Read = tuple[dict[str, Table], dict[str, MediaItem]]


@dataclass(frozen=True)
class _Labelled:
    """Files of labels.

    Args:
        files: By split and label.
        notes: What is left out.
    """

    files: dict[str, dict[str, list[Path]]]
    notes: tuple[str, ...]


def labelled_folders(medium: Medium, path: Path) -> bool:
    """Tell whether a folder is one of folders called after labels, or of some called after splits that hold such.

    Args:
        medium: What files are looked for.
        path: The folder.

    Raises:
        DataError: When it is one, but its folders do not go together.
    """
    return _labelled(medium, path, 2) is not None


def _labelled(medium: Medium, path: Path, least: int) -> _Labelled | None:
    """Return the files of labels; None where there are fewer labels than `least`."""
    laid = laid_in(medium, path)
    named = {
        each: split for each in laid.files for split, names in SPLIT_NAMES.items() if each.strip().lower() in names
    }
    inside = {each: laid_in(medium, path / each) for each in named}
    if any(each.files for each in inside.values()):
        _check_splits(medium, path, laid, named)
        return _by_split(medium, path, laid, {split: inside[each] for each, split in named.items()})
    # Called after splits alone, with pictures in no folder of a label: a table beside them may tell the labels.
    if set(named) == set(laid.files) or len(laid.files) < least:
        return None
    return _Labelled({"train": laid.files}, tuple(laid.left_out(medium, path)))


def _check_splits(medium: Medium, path: Path, laid: Laid, named: dict[str, str]) -> None:
    """Refuse folders of splits with others beside them, or with two of one split."""
    others = [repr(each) for each in laid.files if each not in named]
    if others:
        raise DataError(
            f"'{path}': found {listed(others)} with {medium.several} beside {listed(list(map(repr, named)))}, which "
            "is called after a split and holds folders; expected folders of splits alone, or of labels alone: take the "
            "others out, or name splits by --validation and --test"
        )
    twice = defaultdict(list)
    for each, split in named.items():
        twice[split].append(repr(each))
    for split, those in twice.items():
        if len(those) > 1:
            raise DataError(
                f"'{path}': found {' and '.join(those)}, each called after the split {split}; expected one: take one "
                "out, or put them together"
            )


def _by_split(medium: Medium, path: Path, laid: Laid, inside: dict[str, Laid]) -> _Labelled:
    whole = Laid(loose=[*laid.loose], barren=[*laid.barren], lost=laid.lost, others=laid.others)
    for held in inside.values():
        whole.loose += held.loose
        whole.barren += held.barren
    files = {split: inside[split].files for split in SPLIT_NAMES if split in inside and inside[split].files}
    return _Labelled(files, tuple(whole.left_out(medium, path)))


def read_folders(medium: Medium, name: str, path: Path) -> Read:
    """Return tables of the files in folders of labels, by split.

    Args:
        medium: What files are read.
        name: What the user calls it.
        path: The folder; `labelled_folders` knows it for one.

    Raises:
        DataError: When there is nothing to train on, or a label has a single file there.
    """
    found = _labelled(medium, path, 2)
    if found is None or "train" not in found.files:
        held = " and ".join(found.files) if found else "no labels"
        raise DataError(f"'{name}' has folders of {held} alone; expected one called train")
    alone = [f"'{printable(label)}'" for label, files in found.files["train"].items() if len(files) == 1]
    if alone:
        raise DataError(
            f"'{name}': found one {medium.one} alone of {listed(alone)}; expected several of each label: add "
            "some, or take the folder out"
        )
    tables: dict[str, Table] = {}
    items: dict[str, MediaItem] = {}
    for split in found.files:
        notes = found.notes if split == "train" else ()
        tables[split], held_here = _table(medium, f"{name} ({split})", found.files[split], split, path, notes)
        items |= held_here
    return tables, items


def read_labels(medium: Medium, name: str, path: Path, split: str) -> tuple[Table, dict[str, MediaItem]]:
    """Return a table of the files in folders of labels, all of one split.

    Args:
        medium: What files are read.
        name: What the user calls it.
        path: The folder.
        split: The split.

    Raises:
        DataError: When it holds none, or those of several splits.
    """
    found = _labelled(medium, path, 1)
    if found is None:
        raise DataError(
            f"'{name}' holds no folders of {medium.several}; expected one for each label, as those of train lie"
        )
    if len(found.files) > 1:
        raise DataError(f"'{name}' holds {' and '.join(found.files)}; expected the {medium.several} of one split")
    return _table(medium, name, next(iter(found.files.values())), split, path.parent, found.notes)


def _table(
    medium: Medium, source: str, files: dict[str, list[Path]], split: str, path: Path, notes: tuple[str, ...]
) -> tuple[Table, dict[str, MediaItem]]:
    """Return a table of files, and these by what its cells call them: names can be such as no text has."""
    _check_names(source, list(files))
    rows: list[Row] = []
    items: dict[str, MediaItem] = {}
    for label, those in files.items():
        for file in those:
            place, key = printable(str(file.relative_to(path))), f"{split} {len(rows)}"
            items[key] = medium.item(place, file)
            rows.append((place, {medium.column: key, LABEL: label}))
    return Table(source, (medium.column, LABEL), rows, notes), items


def _check_names(source: str, labels: list[str]) -> None:
    """Refuse folders whose names become one label."""
    alike = defaultdict(list)
    for label in labels:
        alike[mended(label.strip())].append(repr(label))
    for those in alike.values():
        if len(those) > 1:
            raise DataError(
                f"'{source}': the folders {' and '.join(those)} are called alike but for what cannot be seen; expected "
                "a name for each label: rename one, or put them together"
            )
