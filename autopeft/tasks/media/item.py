"""Pictures and sounds wherever they are: in files, in cells, in arrays; read when they are needed."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import DataError
from autopeft.tasks.intake import listed

__all__ = ["LabelledMedia", "MediaItem", "check_readable", "printable"]


@dataclass(frozen=True, eq=False)
class MediaItem(ABC):
    """One picture or sound.

    Args:
        name: What it is called in messages.
        source: Its file, its bytes as a file has them, or its values.
    """

    name: str
    source: Path | bytes | NDArray[Any]

    @abstractmethod
    def check(self) -> None:
        """Read all of it.

        Raises:
            DataError: When it cannot be read, in words that follow others.
        """

    @cached_property
    def digest(self) -> str:
        """The sha256 of what it holds.

        Raises:
            DataError: When its file cannot be read.
        """
        source = self.source
        try:
            held = source.read_bytes() if isinstance(source, Path) else source
        except OSError as error:
            raise DataError(f"{self.name} cannot be read: {error.strerror}") from error
        shape = repr(held.shape).encode() if isinstance(held, np.ndarray) else b""
        return hashlib.sha256(shape + (held.tobytes() if isinstance(held, np.ndarray) else held)).hexdigest()


@dataclass(frozen=True)
class LabelledMedia:
    """Pictures or sounds with the number of the class of each.

    Args:
        items: The pictures or sounds.
        labels: The numbers.
    """

    items: Sequence[Any]
    labels: Sequence[int]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Iterable[int]) -> LabelledMedia:
        """Return those at the indices, in their order."""
        picked = [int(index) for index in indices]
        return LabelledMedia([self.items[i] for i in picked], [self.labels[i] for i in picked])


def printable(name: str) -> str:
    """Return a name without line ends, commands to a terminal and bytes that are no text, each written out."""
    return name if name.isprintable() else repr(name)[1:-1]


def check_readable(items: Sequence[MediaItem], several: str, task: str) -> None:
    """Check that pictures or sounds can be read.

    Args:
        items: All of them.
        several: What they are called.
        task: The task, for messages.

    Raises:
        DataError: Naming those that cannot.
    """
    broken = []
    for item in items:
        try:
            item.check()
        except DataError as error:
            broken.append(str(error))
    if broken:
        raise DataError(
            f"task {task}: {len(broken):,} of {len(items):,} {several} cannot be read: {listed(broken)}; mend them, "
            "or leave them out"
        )
