"""Where the files of a source lie; what cannot be read there is refused, not passed over."""

from __future__ import annotations

import os
from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path

from autopeft.errors import DataError
from autopeft.tasks.tables.shards import natural

__all__ = ["files_like", "files_under", "path_of"]


def path_of(name: str | Path) -> Path:
    """Return a path with `~` resolved; it need not exist.

    Raises:
        DataError: When it can be none: it is empty, too long, or names the home of nobody.
    """
    if not str(name):
        raise DataError("the name of the data is empty; expected a file, a folder, or a data set")
    try:
        path = Path(name).expanduser()
        os.stat(path)
    except FileNotFoundError:
        pass
    except (RuntimeError, ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"'{str(name)[:200]}' is no path that can be read: {reason}") from error
    if path.exists() and not path.is_file() and not path.is_dir():
        raise DataError(f"'{name}' is neither a file nor a folder, but a pipe or a device; write its content to a file")
    return path


def files_under(name: str | Path, folder: Path) -> list[Path]:
    """Return the files of a folder and of those in it, hidden ones left out, in the order of their names and numbers.

    Raises:
        DataError: When a folder cannot be read, or a link leads nowhere.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"'{error.filename}', in '{name}', cannot be read: {error.strerror}") from error

    found = []
    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [each for each in folders if not each.startswith(".")]
        found += [Path(place, file) for file in files if not file.startswith(".")]
    return _regular(name, sorted(found, key=natural))


def files_like(name: str | Path, pattern: Path) -> list[Path]:
    """Return the files that a pattern fits; errors as of `files_under`."""
    found = sorted((Path(each) for each in glob(str(pattern), recursive=True)), key=natural)
    files = _regular(name, [file for file in found if not file.is_dir()])
    if not files:
        above = [part for part in pattern.parent.parts if has_magic(part)]
        hint = f"; [ ] in '{above[0]}' belong to the pattern: write [[] for a bracket" if above else ""
        raise DataError(f"no file is called like '{name}'; check the pattern (from {Path.cwd()}){hint}")
    return files


def _regular(name: str | Path, files: Sequence[Path]) -> list[Path]:
    odd = [file for file in files if not file.is_file()]
    if odd:
        why = "a link that leads nowhere" if odd[0].is_symlink() else "a pipe or a device"
        raise DataError(f"'{odd[0]}', of '{name}', is {why}; expected files alone. Mend it, or take it out")
    return list(files)
