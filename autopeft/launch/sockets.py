"""Whether the folder of temporary files can hold Ray's sockets, whose paths the kernel keeps short."""

from __future__ import annotations

import os
import sys
import tempfile

__all__ = ["OWN", "SHORT_FOLDER", "folder_for_ray", "too_long_for_sockets"]

#: Where Ray's files are instead.
SHORT_FOLDER = "/tmp"

#: What the names of folders begin with that are made for a Ray.
OWN = "ap-"

#: The longest path that Ray makes below it, its process number as long as can be.
_BELOW = f"/{OWN}00000000/r/session_0000-00-00_00-00-00_000000_0000000/sockets/plasma_store.0"


def folder_for_ray() -> str:
    """Return the folder in which one for Ray's files is made."""
    if too_long_for_sockets() and os.access(SHORT_FOLDER, os.W_OK):
        return SHORT_FOLDER
    return _named() or (SHORT_FOLDER if sys.platform == "darwin" else tempfile.gettempdir())


def too_long_for_sockets() -> str | None:
    """Return the folder of temporary files when paths of sockets in it would be too long, else None."""
    folder = _named()
    if not folder or sys.platform == "win32":
        return None
    longest = 103 if sys.platform == "darwin" else 107
    return folder if len(os.fsencode(folder + _BELOW)) > longest else None


def _named() -> str | None:
    """Return the folder of temporary files that the environment names for Ray."""
    return os.environ.get("RAY_TMPDIR") or (os.environ.get("TMPDIR") if sys.platform == "linux" else None) or None
