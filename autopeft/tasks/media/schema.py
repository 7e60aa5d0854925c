"""What a task on pictures or sounds has to know of its data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MediaClasses"]


@dataclass(frozen=True)
class MediaClasses:
    """Which labels there are, where the pictures or sounds stand, and how much a model makes of one.

    Args:
        labels: The label names, in the order of the label numbers.
        columns: Where they stand in tables, one column.
        tokens: How many tokens the model at hand makes of each; 0 where there is none yet, or where they differ.

    Raises:
        ValueError: When there are fewer than two different labels, or other columns.
    """

    labels: tuple[str, ...]
    columns: tuple[str, ...]
    tokens: int = 0

    def __post_init__(self) -> None:
        if len(self.columns) != 1 or len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):
            raise ValueError("expected one column, and two or more different labels")
