"""What a file holds once unpacked: `.gz`, `.zst` and `.zip`."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath

from autopeft.errors import DataError
from autopeft.tasks.tables.table import AGAIN

__all__ = ["PACKED", "unpack"]

#: Endings of packed files.
PACKED = (".gz", ".zst", ".zip")


def unpack(file: Path) -> list[tuple[str, bytes]]:
    """Return the names and bytes of what a file holds: one, or the members of an archive in the order of their names.

    Raises:
        DataError: When it cannot be read.
    """
    try:
        if file.suffix.lower() == ".zip":
            return _members(file)
        return [_unpacked(file.name, file.read_bytes())]
    # RuntimeError: a member of a zip that is encrypted.
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise DataError(f"data file '{file}' cannot be read: {error}. {AGAIN}") from error


def _unpacked(name: str, raw: bytes) -> tuple[str, bytes]:
    path = PurePosixPath(name)
    match path.suffix.lower():
        case ".gz":
            return str(path.with_suffix("")), gzip.decompress(raw)
        case ".zst":
            import pyarrow

            with pyarrow.input_stream(pyarrow.BufferReader(raw), compression="zstd") as stream:
                return str(path.with_suffix("")), stream.read()
    return name, raw


def _members(file: Path) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if _leads_out(member.filename):
                raise DataError(
                    f"data file '{file}' holds {member.filename!r}, a name that leads out of an archive; pack it "
                    "again, from the folder of its files"
                )
        members = [member for member in archive.infolist() if not member.is_dir() and not _is_hidden(member.filename)]
        if not members:
            raise DataError(f"data file '{file}' is an empty archive; expected one with a data file in it")
        twice = [name for name, count in Counter(member.filename for member in members).items() if count > 1]
        if twice:
            raise DataError(
                f"data file '{file}' holds '{twice[0]}' more than once, and which is meant cannot be told; pack it "
                "again, each file under a name of its own"
            )
        return [
            _unpacked(member.filename, archive.read(member))
            for member in sorted(members, key=lambda member: member.filename)
        ]


def _leads_out(name: str) -> bool:
    """Recognise a name that, unpacked, would be a file elsewhere; members are read in memory alone."""
    return name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":"


def _is_hidden(name: str) -> bool:
    """Recognise what programs add beside the data: `.DS_Store`, `._rows.csv`, `__MACOSX`."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)
