"""Files of results: each is whole on the disk as soon as it is there, and what was there before until then."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any

from autopeft.errors import AutopeftError, RunError, StudyError, disk_is_full

__all__ = ["damage", "flush", "read_json", "whole_file", "write_json", "write_text"]

#: Seconds after which nobody can still be writing what a killed process left.
_LONG = 3600.0


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file: within, under another name beside it, which takes its place at the end, flushed to the disk.

    When anything is raised within or the process is killed, the file holds what it held.

    Args:
        path: The file, in a folder that exists.

    Yields:
        The name to write under.

    Raises:
        AutopeftError: When it cannot be written or replaced.
        RunError: When the disk is full or fails.
    """
    partial = path.with_name(f"{_begin(path)}{uuid.uuid4().hex[:8]}.partial")
    try:
        _tidy(path)
        yield partial
        flush(partial)
        partial.replace(path)
        flush(path.parent)
    except OSError as error:
        what = f"cannot write {path}: {error.strerror or error}"
        if disk_is_full(error):
            raise RunError(f"{what}; it is as it was before. Make room, or give a folder on another disk") from error
        raise AutopeftError(
            f"{what}; expected a file that this user may write: move away what is there, or give another folder"
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; errors as of `whole_file`."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf8")


def write_json(path: Path, data: Any) -> None:
    """Write a JSON file, whole or not at all; errors as of `whole_file`."""
    write_text(path, json.dumps(data, indent=2) + "\n")


def read_json(path: Path, mend: str) -> dict[str, Any]:
    """Read what `write_json` wrote of a mapping.

    Args:
        path: The file.
        mend: What to do when it cannot be read.

    Raises:
        StudyError: When it is missing, damaged or something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StudyError(f"cannot read {path}: {damage(error)}; {mend}") from None
    if not isinstance(found, dict):
        raise StudyError(f"{path} is none that autopeft wrote: expected an object, found {found!r:.40}; {mend}")
    return found


def damage(error: Exception) -> str:
    """Say in a few words what keeps a file from being read."""
    match error:
        case OSError():
            return str(error.strerror or error)
        case UnicodeDecodeError():
            return f"it is no text in UTF-8, from byte {error.start}"
        case json.JSONDecodeError():
            return f"it is no JSON, or ends too early: {error.msg}, line {error.lineno}"
    return next(iter(str(error).splitlines()), type(error).__name__)


def flush(path: Path) -> None:
    """Have what was written to a file, or the names in a folder, on the disk when this returns."""
    folder = path.is_dir()
    try:
        descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        # Not every system opens folders, and what lies on a network may have nothing to flush.
        if not folder:
            raise


def _begin(path: Path) -> str:
    """Return what names of partial files begin with, short enough beside a file of the longest name."""
    return f".{path.name[:40]}."


def _tidy(path: Path) -> None:
    """Clear up after processes that were killed while they wrote the file."""
    for left in path.parent.glob(f"{escape(_begin(path))}*.partial"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _LONG:
                left.unlink()
