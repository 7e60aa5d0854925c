"""Files and folders that are made: nobody writes into them but their user and group, whatever the umask is."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["open_to_all", "shut"]


@contextmanager
def shut() -> Iterator[None]:
    """Let others write into nothing that is made within, by this process or by those that it starts."""
    before = os.umask(0o077)
    os.umask(before | stat.S_IWOTH)
    try:
        yield
    finally:
        os.umask(before)


def open_to_all(folder: Path) -> bool:
    """Tell whether everybody on this machine may write into a folder that is there."""
    try:
        found = folder.stat()
    except OSError:
        return False
    return os.name != "nt" and stat.S_ISDIR(found.st_mode) and bool(found.st_mode & stat.S_IWOTH)
