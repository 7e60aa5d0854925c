"""Folders of pictures: one folder for each label, or MNIST's files."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import DataError
from autopeft.tasks.image.pictures import Picture
from autopeft.tasks.tables import SPLIT_NAMES, Row, Table

__all__ = ["ENDINGS", "IMAGE", "LABEL", "is_idx", "labelled_folders", "read_folders", "read_idx"]

#: Endings of files that hold a picture.
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")

#: The columns of tables that are made of folders.
IMAGE, LABEL = "image", "label"

#: The files of MNIST, and what theirs begin with for each split.
_IDX = re.compile(r"(?P<split>.*?)[-_.]?(?P<what>images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?$")
_IDX_SPLITS = {"train": "train", "": "train", "t10k": "test", "test": "test", "valid": "validation"}

#: What IDX files of bytes begin with, by their number of dimensions.
_MAGIC = {1: 0x0801, 3: 0x0803}

#: A table, and the pictures that its cells stand for.
Read = tuple[dict[str, Table], dict[str, Picture]]


def labelled_folders(path: Path) -> dict[str, dict[str, list[Path]]]:
    """Return the pictures in folders of labels, by split and label; nothing where the folder is no such folder.

    Args:
        path: A folder of folders called after labels, or of some called after splits that hold such folders.
    """
    inside = [each for each in sorted(path.iterdir()) if each.is_dir()]
    named = {each: split for each in inside for split, names in SPLIT_NAMES.items() if each.name.lower() in names}
    if named and set(inside) == set(named):
        return {split: found for folder, split in named.items() if (found := _labels(folder))}
    found = _labels(path)
    return {"train": found} if len(found) > 1 else {}


def _labels(folder: Path) -> dict[str, list[Path]]:
    found = {}
    for label in sorted(each for each in folder.iterdir() if each.is_dir()):
        pictures = sorted(file for file in label.rglob("*") if file.suffix.lower() in ENDINGS and file.is_file())
        if pictures:
            found[label.name] = pictures
    return found


def read_folders(name: str, path: Path) -> Read:
    """Return tables of pictures in folders of labels, by split.

    Args:
        name: What the user calls it.
        path: The folder; `labelled_folders` finds something in it.

    Raises:
        DataError: When there are no pictures to train on, or a label has a single one there.
    """
    folders = labelled_folders(path)
    if "train" not in folders:
        raise DataError(f"'{name}' has folders of {' and '.join(folders)} alone; expected one called train")
    alone = [f"'{label}'" for label, files in folders["train"].items() if len(files) == 1]
    if alone:
        raise DataError(
            f"'{name}': found one picture alone of {', '.join(alone[:5])}; expected several of each label: add "
            "some, or take the folder out"
        )
    others = sum(
        file.is_file() and file.suffix.lower() not in ENDINGS
        for file in path.rglob("*")
        if not file.name.startswith(".")
    )
    notes = (f"left out, for they are no pictures: {others} other files",) if others else ()
    tables, pictures = {}, {}
    for split, labels in folders.items():
        rows: list[Row] = []
        for label, files in labels.items():
            for file in files:
                key = str(file.relative_to(path))
                pictures[key] = Picture(key, file)
                rows.append((key, {IMAGE: key, LABEL: label}))
        tables[split] = Table(f"{name} ({split})", (IMAGE, LABEL), rows, notes if split == "train" else ())
    return tables, pictures


def is_idx(path: Path) -> bool:
    """Tell whether a folder holds pictures and labels as MNIST has them."""
    return {what for _, what, _ in _idx_files(path)} == {"images", "labels"}


def read_idx(name: str, path: Path) -> Read:
    """Return tables of the pictures in IDX files, by split.

    Raises:
        DataError: When files are broken, lacking, or do not belong together.
    """
    files = {(_IDX_SPLITS.get(split), what): file for split, what, file in _idx_files(path)}
    tables, pictures = {}, {}
    for split in dict.fromkeys(split for split, _ in files):
        both = [files.get((split, what)) for what in ("images", "labels")]
        if split is None or None in both:
            known = ", ".join(sorted(set(_IDX_SPLITS) - {""}))
            raise DataError(
                f"'{name}': found {', '.join(file.name for file in both if file)}; expected images and labels of each "
                f"split, called after {known}"
            )
        images, labels = (_idx(file, dims) for file, dims in zip(both, (3, 1), strict=True) if file is not None)
        if len(images) != len(labels):
            raise DataError(
                f"'{name}': {len(images):,} pictures and {len(labels):,} labels of {split}; expected as many"
            )
        rows: list[Row] = []
        for number, (pixels, label) in enumerate(zip(images, labels, strict=True), 1):
            key = f"{split} {number}"
            pictures[key] = Picture(f"picture {key}", pixels)
            rows.append((f"picture {number}", {IMAGE: key, LABEL: str(label)}))
        tables[split] = Table(f"{name} ({split})", (IMAGE, LABEL), rows)
    if "train" not in tables:
        raise DataError(f"'{name}' has files of {' and '.join(tables)} alone; expected some called after train")
    return tables, pictures


def _idx_files(path: Path) -> Iterator[tuple[str, str, Path]]:
    for file in sorted(path.iterdir()):
        found = _IDX.fullmatch(file.name)
        if found and file.is_file():
            yield found["split"].lower(), found["what"], file


def _idx(file: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes."""
    try:
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"data file '{file}' cannot be read: {error}; is it damaged? Write it again") from error
    start = 4 * (dimensions + 1)
    head = np.frombuffer(raw[: min(len(raw), start) // 4 * 4], ">u4")
    if len(head) <= dimensions or head[0] != _MAGIC[dimensions]:
        raise DataError(f"data file '{file}' is no IDX file of {'pictures' if dimensions == 3 else 'labels'}")
    shape = tuple(int(size) for size in head[1:])
    values = np.frombuffer(raw, np.uint8, offset=start)
    if values.size != int(np.prod(shape)):
        raise DataError(
            f"data file '{file}' says that it holds {shape}, and holds {values.size:,} bytes; is it cut off?"
        )
    return values.reshape(shape)
