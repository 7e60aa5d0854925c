"""What a task of regression has to know of its data."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Scale"]


@dataclass(frozen=True)
class Scale:
    """Where the numbers lie that are told, and where the texts stand.

    Args:
        label: The column of the numbers.
        offset: Their mean in training, in their own unit.
        scale: Their standard deviation in training, likewise.
        columns: Where the texts stand in tables, one column or two.

    Raises:
        ValueError: When they do not vary, or the columns are others.
    """

    label: str
    offset: float
    scale: float
    columns: tuple[str, ...] = ("text",)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.offset) and math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"found numbers around {self.offset} +- {self.scale}; expected some that vary")
        if len(self.columns) not in (1, 2):
            raise ValueError("expected one column or two")
