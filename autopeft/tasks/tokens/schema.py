"""What a task of tagging words has to know of its data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Tags"]


@dataclass(frozen=True)
class Tags:
    """Which tags there are, and where the words stand.

    Args:
        labels: The tags, in the order of their numbers.
        columns: Where the words stand in tables: one column.

    Raises:
        ValueError: When there are fewer than two different tags, or other columns.
    """

    labels: tuple[str, ...]
    columns: tuple[str, ...] = ("tokens",)

    def __post_init__(self) -> None:
        if len(self.columns) != 1 or len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):
            raise ValueError("expected one column, and two or more different tags")
