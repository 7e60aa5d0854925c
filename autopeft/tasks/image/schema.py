"""What a task on pictures has to know of its data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PictureClasses"]


@dataclass(frozen=True)
class PictureClasses:
    """Which labels there are, where the pictures stand, and how much a model makes of one.

    Args:
        labels: The label names, in the order of the label numbers.
        columns: Where the pictures stand in tables, one column.
        tokens: How many tokens the model at hand makes of a picture; 0 where there is none yet.

    Raises:
        ValueError: When there are fewer than two different labels, or other columns.
    """

    labels: tuple[str, ...]
    columns: tuple[str, ...] = ("image",)
    tokens: int = 0

    def __post_init__(self) -> None:
        if len(self.columns) != 1 or len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):
            raise ValueError("expected one column, and two or more different labels")
