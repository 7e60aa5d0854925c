"""What a model that was trained to chat writes around code."""

from __future__ import annotations

import re

__all__ = ["unfenced"]

_FENCED = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)


def unfenced(text: str) -> str:
    """Return what stands in the first fence of Markdown; all of a text that has none."""
    found = _FENCED.search(text)
    return found[1] if found else text
