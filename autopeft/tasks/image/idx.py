"""MNIST's files of pictures and labels."""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import DataError
from autopeft.tasks.image.pictures import PICTURES, Picture
from autopeft.tasks.media.folders import LABEL, Read
from autopeft.tasks.media.item import MediaItem
from autopeft.tasks.tables import Row, Table

__all__ = ["is_idx", "read_idx", "read_idx_split"]

#: The files of MNIST, and what theirs begin with for each split.
_IDX = re.compile(r"(?P<split>.*?)[-_.]?(?P<what>images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?$")
_IDX_SPLITS = {"train": "train", "": "train", "t10k": "test", "test": "test", "valid": "validation"}

#: What IDX files of bytes begin with, by their number of dimensions.
_MAGIC = {1: 0x0801, 3: 0x0803}

#: A file of more bytes is none that is held in memory.
_MOST = 2**32


def is_idx(path: Path) -> bool:
    """Tell whether a folder holds pictures and labels as MNIST has them."""
    return {what for _, what, _ in _idx_files(path)} == {"images", "labels"}


def read_idx(name: str, path: Path) -> Read:
    """Return tables of the pictures in IDX files, by split.

    Raises:
        DataError: When files are broken, lacking, or do not belong together.
    """
    tables: dict[str, Table] = {}
    pictures: dict[str, MediaItem] = {}
    for split, files in _by_split(name, path).items():
        tables[split], its = _table(f"{name} ({split})", files, split)
        pictures |= its
    if "train" not in tables:
        raise DataError(f"'{name}' has files of {' and '.join(tables)} alone; expected some called after train")
    return tables, pictures


def read_idx_split(name: str, path: Path, split: str) -> tuple[Table, dict[str, MediaItem]]:
    """Return a table of the pictures in IDX files, all of one split, whatever they are called after.

    Raises:
        DataError: As `read_idx`, and when they are of several splits.
    """
    found = _by_split(name, path)
    if len(found) > 1:
        raise DataError(f"'{name}' holds {' and '.join(found)}; expected the pictures of one split")
    return _table(name, next(iter(found.values())), split)


def _by_split(name: str, path: Path) -> dict[str, tuple[Path, Path]]:
    """Return the files of pictures and of labels, by split."""
    files: dict[tuple[str | None, str], Path] = {}
    for called, what, file in _idx_files(path):
        key = (_IDX_SPLITS.get(called), what)
        if key[0] is not None and key in files:
            raise DataError(f"'{name}': found {files[key].name} and {file.name}, both {what} of {key[0]}; take one out")
        files[key] = file
    found = {}
    for split in dict.fromkeys(split for split, _ in files):
        images, labels = (files.get((split, what)) for what in ("images", "labels"))
        if split is None or images is None or labels is None:
            known = ", ".join(sorted(set(_IDX_SPLITS) - {""}))
            raise DataError(
                f"'{name}': found {', '.join(file.name for file in (images, labels) if file)}; expected images and "
                f"labels of each split, called after {known}"
            )
        found[split] = images, labels
    return found


def _table(source: str, files: tuple[Path, Path], split: str) -> tuple[Table, dict[str, MediaItem]]:
    images, labels = (_idx(file, dims) for file, dims in zip(files, (3, 1), strict=True))
    if len(images) != len(labels):
        raise DataError(f"'{source}': {len(images):,} pictures and {len(labels):,} labels of {split}; expected as many")
    rows: list[Row] = []
    pictures: dict[str, MediaItem] = {}
    for number, (pixels, label) in enumerate(zip(images, labels, strict=True), 1):
        key = f"{split} {number}"
        pictures[key] = Picture(f"picture {key}", pixels)
        rows.append((f"picture {number}", {PICTURES.column: key, LABEL: str(label)}))
    return Table(source, (PICTURES.column, LABEL), rows), pictures


def _idx_files(path: Path) -> Iterator[tuple[str, str, Path]]:
    for file in sorted(path.iterdir()):
        found = _IDX.fullmatch(file.name)
        if found and file.is_file():
            yield found["split"].lower(), found["what"], file


def _idx(file: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes; little more of it than its head says, whatever it unpacks to."""
    what = "pictures" if dimensions == 3 else "labels"
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            raw = opened.read(4 * (dimensions + 1))
            head = np.frombuffer(raw[: len(raw) // 4 * 4], ">u4")
            if len(head) <= dimensions or head[0] != _MAGIC[dimensions]:
                raise DataError(f"data file '{file}' is no IDX file of {what}")
            shape = tuple(int(size) for size in head[1:])
            # numpy's product would wrap around.
            size = math.prod(shape)
            if size > _MOST:
                raise DataError(
                    f"data file '{file}' says that it holds {shape}, which is {size:,} bytes; expected {_MOST:,} at "
                    "most. Is it damaged? Write it again"
                )
            values = opened.read(size + 1)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"data file '{file}' cannot be read: {error}; is it damaged? Write it again") from error
    if len(values) != size:
        found = "more than that; is it damaged?" if len(values) > size else f"{len(values):,} bytes; is it cut off?"
        raise DataError(f"data file '{file}' says that it holds {shape}, and holds {found}")
    if len(shape) > 1 and 0 in shape[1:]:
        raise DataError(f"data file '{file}' holds pictures of {shape[1]} x {shape[2]} pixels; expected some pixels")
    return np.frombuffer(values, np.uint8).reshape(shape)
