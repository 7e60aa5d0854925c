"""What attackers leave in models, runs, plans and data: code that leaves a mark where it has run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

__all__ = ["Bomb", "plugin_that_marks", "yaml_that_marks"]


class Bomb:
    """An object whose pickle makes a folder when it is read.

    Args:
        mark: The folder.
    """

    def __init__(self, mark: Path) -> None:
        self._mark = str(mark)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self._mark,)


def plugin_that_marks(mark: Path) -> str:
    """Return a plugin that makes a folder when it is run, and registers nothing."""
    return f"import os\nos.mkdir({str(mark)!r})\n"


def yaml_that_marks(mark: Path) -> str:
    """Return YAML that makes a folder when it is read by a loader that makes objects."""
    return f"!!python/object/apply:os.mkdir ['{mark}']\n"
