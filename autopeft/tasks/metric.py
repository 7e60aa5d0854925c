"""What tasks of a kind can be judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_COMMON", "Metric"]

#: A label more common than this is right so often by itself that a share of right ones says little.
MOST_COMMON = 0.7

Value = TypeVar("Value", float, NDArray[np.float64])


@dataclass(frozen=True)
class Metric:
    """One figure that a task can be judged by.

    Args:
        worst: The value of what predicts as badly as can be, in the metric's own direction; a failed trial is given it.
        unit: What is drawn again for intervals, in words: one of these has a score of its own.
        mean: Whether the metric is the plain mean of the scores of its units; else they are the jackknife's.
        direction: Whether more of it is better, or less.
        quick: Whether it is measured in passing while a full fine-tune goes on; else the loss stands in for it there.
    """

    worst: float = 0.0
    unit: str = "example"
    mean: bool = True
    direction: Literal["maximize", "minimize"] = "maximize"
    quick: bool = True

    def signed(self, value: Value) -> Value:
        """Return a value, or an array of them, such that more is better."""
        return value if self.direction == "maximize" else -value
