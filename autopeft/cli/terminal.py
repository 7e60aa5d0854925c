"""Tables and lines as rich prints them, but for what commands a terminal, whoever wrote it into a study or data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.segment import Segment

from autopeft.errors import visible

__all__ = ["Terminal"]


class Terminal(Console):
    """A console that takes brackets and colons for what they are, and writes out commands to a terminal.

    Args:
        stderr: Whether it writes to standard error.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False)

    def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
        """Yield the segments of something that is printed."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))
