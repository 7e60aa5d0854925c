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

    @property
    def decades(self) -> float:
        """Decades between the two ends."""
        return max(float(np.log10(self.high / self.low)), 1e-9)

    def log(self, cost: float) -> float:
        """Return the decades of a cost above the lowest."""
        return float(np.log10(max(cost, self.low) / self.low))


class CostColumns:
    """Computes the known costs of points, each once; trainable parameters aside, which every point carries.

    Args:
        axes: The costs that are objectives.
    """

    def __init__(self, axes: Sequence[CostAxis]) -> None:
        self._axes = axes
        self._known = [axis for axis in axes if axis.known is not None and axis.name != "params"]
        self._found: dict[str, list[float]] = {}

    def encode(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Return the log of each cost, 0 at its lowest and 1 at its reference: array `n x costs`."""
        rows = [self._row(point) for point in points]
        return np.asarray(rows, dtype=np.float64).reshape(len(points), len(self._known))

    def places(self, decades: float) -> list[tuple[int, float]]:
        """Return for each known objective its column and the decades that 1 in it stands for.

        Args:
            decades: Those of trainable parameters, whose column is the last of all.
        """
        return [
            (-1, decades) if axis.name == "params" else (self._known.index(axis), axis.decades)
            for axis in self._axes
            if axis.known is not None
        ]

    def _row(self, point: Point) -> list[float]:
        if point.text not in self._found:
            self._found[point.text] = [
                axis.log(axis.known(point.configuration)) / axis.decades for axis in self._known if axis.known
            ]
        return self._found[point.text]
