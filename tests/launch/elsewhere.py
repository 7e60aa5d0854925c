"""A machine of a search whose files are not here any more, as a worker on another machine finds it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from autopeft.launch.parcel import File, Piece, content_of

__all__ = ["Elsewhere"]


class Elsewhere:
    """Takes a folder away, and reads what was in it for those who ask; see `autopeft.launch.parcel.Home`.

    Args:
        folder: Whose files are gone afterwards.
        away: Where they lie instead, by the paths that they had.

    Attributes:
        asked: How often hashes were asked for.
        pieces: The pieces that were read.
    """

    def __init__(self, folder: Path, away: Path) -> None:
        self._away = away
        self.asked = 0
        self.pieces: list[Piece] = []
        there = self.at(str(folder))
        there.parent.mkdir(parents=True)
        shutil.move(folder, there)

    def at(self, path: str) -> Path:
        """Return where a file lies by now."""
        return self._away / path.lstrip("/")

    def digests(self, files: Sequence[File]) -> list[str]:
        """Return the sha256 of each file."""
        self.asked += 1
        return [content_of(str(self.at(path))) for path, *_ in files]

    def read(self, pieces: Iterable[Piece]) -> Iterator[bytes]:
        """Yield parts of files."""
        for path, start, size in pieces:
            self.pieces.append((path, start, size))
            yield self.at(path).read_bytes()[start : start + size]
