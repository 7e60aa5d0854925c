"""MNIST's files of pictures and labels."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import DataError
from autopeft.tasks.image.pictures import PICTURES, Picture
from autopeft.tasks.media.folders import LABEL, Read
from autopeft.tasks.media.item import MediaItem
from autopeft.tasks.tables import Row, Table

__all__ = ["is_idx", "read_idx"]

#: The files of MNIST, and what theirs begin with for each split.
_IDX = re.compile(r"(?P<split>.*?)[-_.]?(?P<what>images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?$")
_IDX_SPLITS = {"train": "train", "": "train", "t10k": "test", "test": "test", "valid": "validation"}

#: What IDX files of bytes begin with, by their number of dimensions.
_MAGIC = {1: 0x0801, 3: 0x0803}


def is_idx(path: Path) -> bool:
    """Tell whether a folder holds pictures and labels as MNIST has them."""
    return {what for _, what, _ in _idx_files(path)} == {"images", "labels"}


def read_idx(name: str, path: Path) -> Read:
    """Return tables of the pictures in IDX files, by split.

    Raises:
        DataError: When files are broken, lacking, or do not belong together.
    """
    files = {(_IDX_SPLITS.get(split), what): file for split, what, file in _idx_files(path)}
    tables: dict[str, Table] = {}
    pictures: dict[str, MediaItem] = {}
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
            rows.append((f"picture {number}", {PICTURES.column: key, LABEL: str(label)}))
        tables[split] = Table(f"{name} ({split})", (PICTURES.column, LABEL), rows)
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
