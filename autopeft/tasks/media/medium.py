"""What sort of file a task is on, and what such files are called."""

from __future__ import annotations

from dataclasses import dataclass

from autopeft.tasks.media.item import MediaItem

__all__ = ["Medium"]


@dataclass(frozen=True)
class Medium:
    """A sort of file.

    Args:
        one: What one is called.
        column: The column with them where none is named, and the flag that names one.
        endings: Endings of the names of such files.
        item: The class of one.
    """

    one: str
    column: str
    endings: tuple[str, ...]
    item: type[MediaItem]

    @property
    def several(self) -> str:
        """What several are called."""
        return f"{self.one}s"
