"""Whether the folder of temporary files can hold Ray's sockets, whose paths the kernel keeps short."""

from __future__ import annotations

import os
import sys

__all__ = ["SHORT_FOLDER", "too_long_for_sockets"]

#: Where Ray's files are instead.
SHORT_FOLDER = "/tmp"

#: The longest path that Ray makes below it, its process number as long as can be.
_BELOW = "/ray/session_0000-00-00_00-00-00_000000_0000000/sockets/plasma_store.0"


def too_long_for_sockets() -> str | None:
    """Return the folder of temporary files when paths of sockets in it would be too long, else None."""
    folder = os.environ.get("RAY_TMPDIR") or (os.environ.get("TMPDIR") if sys.platform == "linux" else None)
    if not folder or sys.platform == "win32":
        return None
    longest = 103 if sys.platform == "darwin" else 107
    return folder if len(os.fsencode(folder + _BELOW)) > longest else None
