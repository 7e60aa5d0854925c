"""Where things that are computed once are kept on this machine."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from autopeft.errors import AutopeftError
from autopeft.shut import open_to_all

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Return the folder of what is computed once: `$AUTOPEFT_CACHE`, or `autopeft` in the user's cache folder.

    Raises:
        AutopeftError: When everybody may write into it, or into a folder in it: what is read there may be anybody's.
    """
    named = os.environ.get("AUTOPEFT_CACHE")
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(named) if named else Path(root) / "autopeft"
    for each in (folder, *(folder.iterdir() if folder.is_dir() else ())):
        if open_to_all(each):
            raise AutopeftError(
                f"the cache {each} can be written by everybody on this machine; expected one of yours: take that away "
                f"by `chmod o-w {shlex.quote(str(each))}`, if nobody has, or name another folder by AUTOPEFT_CACHE"
            )
    return folder
