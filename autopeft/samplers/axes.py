"""The costs that are objectives, as a sampler sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autopeft.samplers.points import Point
from autopeft.space import Configuration

__all__ = ["CostAxis", "CostColumns"]


@dataclass(frozen=True)
class CostAxis:
    """A cost that is an objective.

    Args:
        name: Its name.
        low: The lowest non-zero cost; lower ones count as this.
        high: The reference point's cost.
        known: Computes it without training; None for a cost that only trials tell.
    """

    name: str
    low: float
    high: float
    known: Callable[[Configuration], float] | None

    def share(self, cost: float) -> float:
        """Return the log of a cost, 0 at the lowest and 1 at the reference."""
        return float(np.log10(max(cost, self.low) / self.low)) / max(float(np.log10(self.high / self.low)), 1e-9)


class CostColumns:
    """Computes the known costs of points, each once; trainable parameters aside, which every point carries.

    Attributes:
        axes: The costs that are objectives.
    """

    def __init__(self, axes: Sequence[CostAxis]) -> None:
        self.axes = axes
        self._known = [axis for axis in axes if axis.known is not None and axis.name != "params"]
        self._found: dict[str, list[float]] = {}

    def encode(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Return the log of each cost, 0 at its lowest and 1 at its reference: array `n x costs`."""
        rows = [self._row(point) for point in points]
        return np.asarray(rows, dtype=np.float64).reshape(len(points), len(self._known))

    def place(self, axis: CostAxis) -> int:
        """Return the column of a known cost; parameters stand in the last one of all features."""
        return -1 if axis.name == "params" else self._known.index(axis)

    def _row(self, point: Point) -> list[float]:
        if point.text not in self._found:
            self._found[point.text] = [
                axis.share(axis.known(point.configuration)) for axis in self._known if axis.known
            ]
        return self._found[point.text]
