"""Files that a worker reads, on a machine that may not have them: used where they lie, else taken along by hash.

What is taken along lies in the cache of the machine, each file under the path that it has at home: names of folders, by
which data and models are called, stay what they are, and so do paths within data.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from filelock import FileLock

from autopeft.cache import cache_folder
from autopeft.errors import AutopeftError, disk_is_full

__all__ = [
    "LARGEST",
    "File",
    "Home",
    "Parcel",
    "Piece",
    "as_at_home",
    "below",
    "changed",
    "content_of",
    "in_units",
    "state_of",
]

#: So many bytes are taken along at most: half-precision weights of 30 billion parameters.
LARGEST = 64 * 2**30

#: Files travel in pieces of so many bytes, which any object store has room for.
_PIECE = 8 * 2**20

#: What nobody has used for so long makes room.
_LONG_SECONDS = 30 * 24 * 3600.0

#: The folder in the cache, and the file that a whole parcel has there.
_FOLDER, _WHOLE = "parcels", "whole"

#: A file: its absolute path, its bytes, and when it was changed last, in nanoseconds.
File = tuple[str, int, int]

#: A part of a file: its path, where it begins, and how many bytes it has.
Piece = tuple[str, int, int]


class Home(Protocol):
    """The machine where the files are."""

    def digests(self, files: Sequence[File]) -> list[str]:
        """Return the sha256 of each file.

        Raises:
            AutopeftError: When one is not as it was.
        """

    def read(self, pieces: Iterable[Piece]) -> Iterator[bytes]:
        """Yield parts of files, in their order."""


@dataclass(frozen=True)
class Parcel:
    """Files that belong together.

    Args:
        what: What they are, in words.
        files: The files.
    """

    what: str
    files: tuple[File, ...]

    @classmethod
    def of(cls, what: str, files: Iterable[Path]) -> Parcel:
        """Return a parcel of files that are here.

        Raises:
            AutopeftError: When one cannot be read.
        """
        found = []
        for path in dict.fromkeys(str(file.absolute()) for file in files):
            state = state_of(path)
            if state is None:
                raise AutopeftError(f"cannot read {path}, of {what}; expected a file that is there: put it back")
            found.append((path, *state))
        return cls(what, tuple(found))

    @cached_property
    def paths(self) -> list[str]:
        """The paths of the files."""
        return [path for path, _, _ in self.files]

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(size for _, size, _ in self.files)

    def opened(self, home: Home) -> Path | None:
        """Return the folder below which the files are on this machine; None where they lie as at home.

        Args:
            home: Where they are taken from, should they not be here.

        Raises:
            AutopeftError: When they are too large to be taken along, there is no room, or they have changed.
        """
        here = [state_of(path) for path in self.paths]
        if all(found == (size, changed) for found, (_, size, changed) in zip(here, self.files, strict=True)):
            return None
        alike = all(found and found[0] == size for found, (_, size, _) in zip(here, self.files, strict=True))
        if not alike:
            # Before all of it is read for its hash.
            self._check_size()
        digests = home.digests(self.files)
        if alike and all(content_of(path) == digest for path, digest in zip(self.paths, digests, strict=True)):
            return None
        return self._taken(home, digests)

    def _taken(self, home: Home, digests: Sequence[str]) -> Path:
        """Return the folder of what was taken along, by this worker or by another of this machine."""
        name = hashlib.sha256(repr(list(zip(self.paths, digests, strict=True))).encode()).hexdigest()[:32]
        kept = cache_folder() / _FOLDER
        kept.mkdir(parents=True, exist_ok=True)
        folder, partial = kept / name, kept / f"{name}.partial"
        # Others wait: it is taken once.
        with FileLock(kept / f"{name}.lock"):
            if not (folder / _WHOLE).exists():
                for left in (folder, partial):
                    shutil.rmtree(left, ignore_errors=True)
                _tidy(kept)
                self._check_room(kept)
                try:
                    self._write(partial, home, digests)
                except OSError as error:
                    shutil.rmtree(partial, ignore_errors=True)
                    if not disk_is_full(error):
                        raise
                    raise self._no_room(kept) from error
                partial.rename(folder)
            (folder / _WHOLE).touch()
        return folder

    def _write(self, folder: Path, home: Home, digests: Sequence[str]) -> None:
        pieces = [
            (path, start, min(_PIECE, size - start)) for path, size, _ in self.files for start in range(0, size, _PIECE)
        ]
        coming = home.read(pieces)
        for (path, size, _), digest in zip(self.files, digests, strict=True):
            file, content = below(folder, path), hashlib.sha256()
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as out:
                for _ in range(0, size, _PIECE):
                    part = next(coming)
                    content.update(part)
                    out.write(part)
            if content.hexdigest() != digest:
                raise changed(path)

    def _check_size(self) -> None:
        if self.size > LARGEST:
            raise AutopeftError(
                f"{self.what} ({in_units(self.size)}) is not on {socket.gethostname()}, and at most "
                f"{in_units(LARGEST)} are taken along; put the files there under the same paths, or name what is on "
                "the hub by its name there"
            )

    def _check_room(self, kept: Path) -> None:
        self._check_size()
        if shutil.disk_usage(kept).free < self.size:
            raise self._no_room(kept)

    def _no_room(self, kept: Path) -> AutopeftError:
        return AutopeftError(
            f"{self.what} ({in_units(self.size)}) has no room in {kept} on {socket.gethostname()}; make room there, or "
            "name another folder by AUTOPEFT_CACHE where `ray start` runs"
        )


def changed(path: str) -> AutopeftError:
    """Return what says that a file is not as it was."""
    return AutopeftError(f"{path} has changed since the command began; leave it as it is, and run the command again")


def below(folder: Path, path: str) -> Path:
    """Return where in a folder a file lies that has this absolute path at home.

    Raises:
        AutopeftError: When that is outside of the folder.
    """
    parts, depth = Path(path).parts[1:], 0
    for part in parts:
        depth += -1 if part == os.pardir else 1
        if depth < 0:
            raise AutopeftError(f"'{path}' leads out of the folder that its files are brought to; write it without ..")
    return folder.joinpath(*parts)


def as_at_home(text: str) -> str:
    """Return JSON with the paths of what was taken along to this machine as they are at home."""
    kept = json.dumps(str(cache_folder() / _FOLDER))[1:-1]
    return re.sub(re.escape(kept) + "/[0-9a-f]{32}(?=/)", lambda _: "", text)


def content_of(path: str) -> str:
    """Return the sha256 of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def in_units(size: int) -> str:
    """Return a number of bytes as people say it."""
    for unit, bytes_of in (("GiB", 2**30), ("MiB", 2**20)):
        if size >= bytes_of:
            return f"{size / bytes_of:.1f} {unit}"
    return f"{size / 1024:.1f} KiB"


def state_of(path: str) -> tuple[int, int] | None:
    """Return the bytes of a file and when it was changed last, in nanoseconds; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _tidy(kept: Path) -> None:
    """Remove what nobody has used for long."""
    for mark in kept.glob(f"*/{_WHOLE}"):
        with suppress(OSError):
            if time.time() - mark.stat().st_mtime > _LONG_SECONDS:
                shutil.rmtree(mark.parent)
