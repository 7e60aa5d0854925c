"""One process at a time works in a run folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from autopeft.errors import StudyError
from autopeft.study.owner import is_alive, this_owner

__all__ = ["LOCK", "in_use", "locked"]

#: File in a run folder that is there, and locked, as long as a process works in it; it says which.
LOCK = "at-work.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep others from searching or selecting in a run folder; the system frees it when this process dies.

    Args:
        folder: The run folder, which exists.

    Raises:
        StudyError: When another process works in it, or it cannot be locked.
    """
    path = folder / LOCK
    lock = FileLock(path)
    # Older releases of filelock empty the file when they try to lock it.
    before = _holder(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        holder = _holder(path) or before or "another process"
        raise StudyError(
            f"{folder} is in use: {holder} works in it; wait for its end or stop it, or choose another folder with -o"
        ) from None
    except OSError as error:
        raise StudyError(
            f"cannot lock the run folder {folder} ({error.strerror or error}); choose another with --out"
        ) from None
    # On file systems without locks the file itself is one, with a content of its own.
    ours = not isinstance(lock, SoftFileLock)
    try:
        if ours:
            path.write_text(json.dumps(this_owner()), encoding="utf8")
        yield
    finally:
        if ours:
            with suppress(OSError):
                path.unlink()
        lock.release()


def in_use(folder: Path) -> bool:
    """Tell whether a process that may be alive says that it works in a run folder."""
    try:
        return is_alive(json.loads((folder / LOCK).read_text(encoding="utf8"))) is not False
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def _holder(path: Path) -> str | None:
    """Say who wrote a lock file; None where that cannot be told."""
    try:
        owner = json.loads(path.read_text(encoding="utf8"))
        return f"process {owner['pid']} on {owner['host']}"
    except (OSError, ValueError, TypeError, KeyError):
        return None
