"""Where things that are computed once are kept on this machine."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Return the folder of what is computed once: `$AUTOPEFT_CACHE`, or `autopeft` in the user's cache folder."""
    named = os.environ.get("AUTOPEFT_CACHE")
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(root) / "autopeft"
