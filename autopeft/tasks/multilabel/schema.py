"""What a task of several labels has to know of its data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Labels"]


@dataclass(frozen=True)
class Labels:
    """Which labels there are, and where the texts stand.

    Args:
        labels: Their names, in the order of their numbers.
        columns: Where the texts stand in tables, one column or two.

    Raises:
        ValueError: When there are fewer than two different labels, or other columns.
    """

    labels: tuple[str, ...]
    columns: tuple[str, ...] = ("text",)

    def __post_init__(self) -> None:
        if len(self.columns) not in (1, 2) or len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):
            raise ValueError("expected one column or two, and two or more different labels")
