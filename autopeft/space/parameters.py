"""The flat parameters of a bound space, as samplers and Optuna see them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import BaseTrial

__all__ = ["Parameter", "significant"]


@dataclass(frozen=True)
class Parameter:
    """One thing that varies.

    An ordered grid is given by index, an unordered one by its word, a continuous parameter by its number.

    Args:
        name: Its name, e.g. `lora.rank` or `layer.3`.
        values: The grid's values as words or numbers; None for a continuous parameter.
        ordered: Whether neighbours on the grid are near each other.
        low: Lower end of a continuous parameter.
        high: Upper end of a continuous parameter.
        log: Whether it is continuous in the logarithm.
    """

    name: str
    values: tuple[Any, ...] | None = None
    ordered: bool = True
    low: float = 0.0
    high: float = 1.0
    log: bool = False

    def distribution(self) -> BaseDistribution:
        """Return its Optuna distribution: Int over the index, Categorical over words, or Float."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.values is None:
            return FloatDistribution(self.low, self.high, log=self.log)
        if self.ordered:
            return IntDistribution(0, len(self.values) - 1)
        return CategoricalDistribution(self.values)

    def suggest(self, trial: BaseTrial) -> Any:
        """Let an Optuna trial suggest its value."""
        if self.values is None:
            return trial.suggest_float(self.name, self.low, self.high, log=self.log)
        if self.ordered:
            return trial.suggest_int(self.name, 0, len(self.values) - 1)
        return trial.suggest_categorical(self.name, self.values)

    @property
    def size(self) -> int | None:
        """How many values it has; None when continuous."""
        return None if self.values is None else len(self.values)

    def every(self) -> list[Any]:
        """Return all its values; it must not be continuous."""
        assert self.values is not None, "a continuum cannot be listed"
        return [*range(len(self.values))] if self.ordered else [*self.values]

    def default(self) -> Any:
        """Return the value it takes while it is inactive: the first, or the middle of a range."""
        if self.values is None:
            return significant(self.at(0.5))
        return 0 if self.ordered else self.values[0]

    def at(self, unit: float) -> Any:
        """Return the value at a position from 0 to 1; the inverse of `unit` up to the grid."""
        if self.values is not None:
            index = min(int(unit * len(self.values)), len(self.values) - 1)
            return index if self.ordered else self.values[index]
        if self.log:
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + unit * (self.high - self.low)
        return significant(min(max(value, self.low), self.high))

    def unit(self, value: Any) -> float:
        """Return the position of a value from 0 to 1."""
        if self.values is not None:
            index = value if self.ordered else self.values.index(value)
            return float(index) / max(len(self.values) - 1, 1)
        if self.log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)

    def snap(self, unit: float) -> Any:
        """Return the value nearest to a position from 0 to 1."""
        if self.values is None:
            return self.at(min(max(unit, 0.0), 1.0))
        index = round(min(max(unit, 0.0), 1.0) * (len(self.values) - 1))
        return index if self.ordered else self.values[index]

    def describe(self) -> str:
        """Say which values it takes."""
        if self.values is None:
            return f"{self.low:g}..{self.high:g}{' log' if self.log else ''}"
        return " | ".join(map(_shown, self.values))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "off" if value == 0 else str(value)


def significant(value: float) -> float:
    """Round to the 4 significant digits that configurations keep."""
    return float(f"{value:.4g}")
