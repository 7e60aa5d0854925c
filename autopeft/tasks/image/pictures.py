"""Pictures wherever they are: in files, in cells, in arrays; read when they are needed."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import DataError
from autopeft.tasks.intake import listed

__all__ = ["LabelledPictures", "Picture", "check_readable"]


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture.

    Args:
        name: What it is called in messages.
        source: Its file, its bytes as a file has them, or its pixels: uint8, `[height, width]` or
            `[height, width, 3]`.
    """

    name: str
    source: Path | bytes | NDArray[np.uint8]

    def decoded(self) -> Any:
        """Return it as a `PIL.Image.Image` in RGB.

        Raises:
            DataError: When it cannot be read.
        """
        from PIL import Image as Pil

        source: Any = self.source
        try:
            with warnings.catch_warnings():
                # A picture of so many pixels that it is worth a warning is one to refuse.
                warnings.simplefilter("error", Pil.DecompressionBombWarning)
                if isinstance(source, np.ndarray):
                    return Pil.fromarray(source).convert("RGB")
                with Pil.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
                    return opened.convert("RGB")
        except Exception as error:
            # Decoders raise errors of many kinds.
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{self.name} ({_short(reason, self.name)})") from error

    @property
    def digest(self) -> str:
        """The sha256 of what it holds.

        Raises:
            DataError: When its file cannot be read.
        """
        source = self.source
        try:
            held = source.read_bytes() if isinstance(source, Path) else source
        except OSError as error:
            raise DataError(f"picture {self.name} cannot be read: {error.strerror}") from error
        shape = repr(held.shape).encode() if isinstance(held, np.ndarray) else b""
        return hashlib.sha256(shape + (held.tobytes() if isinstance(held, np.ndarray) else held)).hexdigest()


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures with the number of the class of each.

    Args:
        pictures: The pictures.
        labels: The numbers.
    """

    pictures: Sequence[Picture]
    labels: Sequence[int]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Iterable[int]) -> LabelledPictures:
        """Return the pictures at the indices, in their order."""
        picked = [int(index) for index in indices]
        return LabelledPictures([self.pictures[i] for i in picked], [self.labels[i] for i in picked])


def check_readable(pictures: Iterable[Picture], task: str) -> None:
    """Check that pictures can be read.

    Raises:
        DataError: Naming those that cannot.
    """
    pictures, broken = list(pictures), []
    for picture in pictures:
        try:
            picture.decoded()
        except DataError as error:
            broken.append(str(error))
    if broken:
        raise DataError(
            f"task {task}: {len(broken):,} of {len(pictures):,} pictures cannot be read: {listed(broken)}; mend them, "
            "or leave them out"
        )


def _short(reason: str, name: str) -> str:
    return "no picture" if "cannot identify image file" in reason else reason.replace(name, "it")
