"""What a file holds once unpacked: `.gz`, `.zst` and `.zip`."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

from autopeft.errors import DataError

__all__ = ["PACKED", "unpack"]

#: Endings of packed files.
PACKED = (".gz", ".zst", ".zip")


def unpack(file: Path) -> list[tuple[str, bytes]]:
    """Return the names and bytes of what a file holds: one, or the members of an archive in the order of their names.

    Raises:
        DataError: When it cannot be read.
    """
    ending = file.suffix.lower()
    inside = file.name[: -len(ending)] if ending in PACKED else file.name
    try:
        match ending:
            case ".gz":
                return [(inside, gzip.decompress(file.read_bytes()))]
            case ".zst":
                import pyarrow

                with pyarrow.input_stream(str(file), compression="zstd") as stream:
                    return [(inside, stream.read())]
            case ".zip":
                return _members(file)
        return [(inside, file.read_bytes())]
    # RuntimeError: a member of a zip that is encrypted.
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise DataError(f"data file '{file}' cannot be read: {error}") from error


def _members(file: Path) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        # What macOS adds beside each file is none of the data.
        names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX/" not in name]
        if not names:
            raise DataError(f"data file '{file}' is an empty archive; expected one with a data file in it")
        return [(name, archive.read(name)) for name in sorted(names)]
