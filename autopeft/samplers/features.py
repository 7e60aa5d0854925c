"""Points as the numbers a surrogate model sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autopeft.samplers.points import AffordablePoints, Point

__all__ = ["Features"]


class Features:
    """Encodes points: the raw knobs in [0, 1], then the log-cost, 0 at the cheapest and 1 at the budget.

    Inactive knobs stand at their canonical value, so they tell nothing. A knob without order takes one column
    a value, scaled so that any two of its values are 1 apart.

    Args:
        points: The points of a space within its budget.

    Attributes:
        rates: Columns of the learning rates, counted from the end of a row.
    """

    def __init__(self, points: AffordablePoints) -> None:
        self._space = points.space
        self._low = np.log10(points.cheapest.cost)
        self._decades = max(float(np.log10(points.limit) - self._low), 1e-9)
        self._floor = points.cheapest.cost
        distributions = self._space.distributions()
        self._unordered = {
            column: (parameter.name, list(distributions[parameter.name].choices))  # type: ignore[attr-defined]
            for column, parameter in enumerate(self._space.parameters)
            if not parameter.ordered and parameter.values is not None and len(parameter.values) > 2
        }
        plain = [p.name for column, p in enumerate(self._space.parameters) if column not in self._unordered]
        after = 1 + sum(len(choices) for _, choices in self._unordered.values())
        self.rates = tuple(
            column - len(plain) - after for column, name in enumerate(plain) if "learning_rate" in name.split(".")
        )

    @property
    def decades(self) -> float:
        """Decades of cost between the cheapest point and the budget: what 1 in the last column stands for."""
        return self._decades

    def log_cost(self, cost: float) -> float:
        """Return a cost on the scale of the last column."""
        return float(np.log10(max(cost, self._floor)) - self._low) / self._decades

    def encode(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Encode points.

        Returns:
            Array `n x d`; the last column is the log-cost.
        """
        return np.array([self._row(point) for point in points], dtype=np.float64)

    def _row(self, point: Point) -> NDArray[np.float64]:
        unit = np.asarray(self._space.unit(point.params), dtype=np.float64)
        columns = []
        for name, choices in self._unordered.values():
            columns += [np.sqrt(0.5) * (point.params[name] == choice) for choice in choices]
        plain = np.delete(unit, list(self._unordered))
        return np.concatenate([plain, columns, [self.log_cost(point.cost)]])
