"""Folders of results: written whole or not at all, and never made of pieces of two results."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from autopeft.errors import AutopeftError, RunError, disk_is_full
from autopeft.whole_file import flush

__all__ = ["WRITTEN", "check_replaceable", "missing_files", "whole_folder"]

#: File in a folder of results that names the others, by which they are told from files of the user's.
WRITTEN = "written.json"

#: `renameat2` and `renamex_np` exchange two folders in one step when given this.
_EXCHANGE = 2
_AT_WORKING_FOLDER = -100


@contextmanager
def whole_folder(folder: str | Path, also: Collection[str] = ()) -> Iterator[Path]:
    """Write a folder of results: within, into a new folder beside it, which takes its place at the end.

    Until then, and when anything is raised within or the process is killed, the folder holds what it held. What takes
    its place has a file `written.json` that names all files, and of what was there before nothing is left: copy what
    shall stay.

    Args:
        folder: The folder; made if need be, and those above it.
        also: Names in it that are replaced though no `written.json` lists them.

    Yields:
        The folder to write into, empty.

    Raises:
        AutopeftError: When it cannot be replaced, or holds files that no `whole_folder` wrote there.
        RunError: When the disk is full or fails.
    """
    folder = Path(folder).resolve()
    check_replaceable(folder, also)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _tidy(folder)
    partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.partial")
    partial.mkdir()
    lock = _lock(partial)
    try:
        yield partial
        _list_files(partial)
        # A file of the user's may have come while this was written.
        check_replaceable(folder, also)
        _put(partial, folder)
    except Exception as error:
        if not disk_is_full(error):
            raise
        raise RunError(
            f"cannot write {folder}: {getattr(error, 'strerror', None) or error}; it is as it was before. "
            "Make room, or give a folder on another disk"
        ) from error
    finally:
        # After an exchange it holds what was there before.
        shutil.rmtree(partial, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def check_replaceable(folder: str | Path, also: Collection[str] = ()) -> None:
    """Check, before work begins, that a folder of results can be written; arguments as for `whole_folder`.

    Raises:
        AutopeftError: When it cannot be replaced, or holds files that no `whole_folder` wrote there.
    """
    folder = Path(folder).resolve()
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise AutopeftError(f"{folder} is a file; expected a folder to write: give another")
    if folder == Path.cwd() or folder.is_mount():
        what = "where the command runs" if folder == Path.cwd() else "the root of a disk"
        raise AutopeftError(
            f"{folder} is {what}, and cannot be replaced as a whole; give a folder in it, such as {folder / 'result'}"
        )
    listed = _listed(folder)
    other = _foreign(folder, {WRITTEN, *listed}, also)
    while other is not None and _listed(folder) != listed:
        # Another command has replaced it meanwhile.
        listed = _listed(folder)
        other = _foreign(folder, {WRITTEN, *listed}, also)
    if other is not None:
        raise AutopeftError(
            f"{folder} holds {other}, which autopeft did not write there or an earlier version did; "
            "give another folder, or move away what is there"
        )


def missing_files(folder: Path) -> list[str]:
    """Return the files that were written into a folder of results and are not there any more."""
    return [name for name in _listed(folder) if not (folder / name).is_file()]


def _foreign(folder: Path, ours: Collection[str], also: Collection[str]) -> Path | None:
    """Return a file that is neither ours nor in what may be replaced; None where there is none."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if inside.parts[0] not in also and inside.as_posix() not in ours and (path.is_symlink() or not path.is_dir()):
            return inside
    return None


def _listed(folder: Path) -> list[str]:
    """Return the files that were written into a folder."""
    try:
        return list(map(str, json.loads((folder / WRITTEN).read_text(encoding="utf8"))["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _list_files(folder: Path) -> None:
    """Name all files in one of them, and have them on the disk before the folder takes its place."""
    files = sorted({path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()} - {WRITTEN})
    # Of a folder that was copied by links it is the other's too.
    (folder / WRITTEN).unlink(missing_ok=True)
    (folder / WRITTEN).write_text(json.dumps({"files": files}, indent=2) + "\n", encoding="utf8")
    for name in (*files, WRITTEN):
        flush(folder / name)
    flush(folder)


def _put(new: Path, folder: Path) -> None:
    """Let a folder take the place of another, in one step where the system has one; the other may have its name."""
    if not folder.exists():
        new.rename(folder)
    elif not _exchanged(new, folder):
        aside = _aside(folder)
        folder.rename(aside)
        new.rename(folder)
        shutil.rmtree(aside, ignore_errors=True)
    flush(folder.parent)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; tell whether the system could."""
    if sys.platform == "win32":
        return False
    library = ctypes.CDLL(None)
    if sys.platform == "darwin":
        return (
            hasattr(library, "renamex_np") and library.renamex_np(os.fsencode(one), os.fsencode(other), _EXCHANGE) == 0
        )
    if not hasattr(library, "renameat2"):
        return False
    here = _AT_WORKING_FOLDER
    return library.renameat2(here, os.fsencode(one), here, os.fsencode(other), _EXCHANGE) == 0


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")


def _tidy(folder: Path) -> None:
    """Clear up after processes that were killed while they wrote."""
    aside = _aside(folder)
    if aside.is_dir() and not folder.exists():
        aside.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
    for left in folder.parent.iterdir():
        if left.name.startswith(f".{folder.name}.") and left.suffix == ".partial":
            lock = _lock(left)
            if lock is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder until what is returned is closed, or this process dies; None where another has, or none can."""
    try:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
