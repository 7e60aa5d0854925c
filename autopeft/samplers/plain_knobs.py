"""Knobs of a study whose search space is known only by its Optuna distributions, as numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

__all__ = ["PlainKnobs"]

#: Standard deviation of a step of a number, of its range.
_SPREAD = 0.15


class PlainKnobs:
    """Encodes parameters as rows of numbers from 0 to 1; a categorical one takes a column for each choice.

    Args:
        distributions: The parameters and their distributions.
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution]) -> None:
        self._distributions = dict(distributions)

    def encode(self, params: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return parameters as a row."""
        columns: list[float] = []
        for name, distribution in self._distributions.items():
            if isinstance(distribution, CategoricalDistribution):
                index = int(distribution.to_internal_repr(params[name]))
                columns += [float(each == index) for each in range(len(distribution.choices))]
            else:
                columns.append(_unit(distribution, params[name]))
        return np.array(columns)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw each parameter uniformly over its range, or the logarithm of it."""
        return {name: _draw(distribution, rng) for name, distribution in self._distributions.items()}

    def step(self, params: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Change one or more parameters: a number by a Gaussian step, a category to any."""
        changed = rng.random(len(self._distributions)) < 1 / len(self._distributions)
        changed[rng.integers(len(changed))] = True
        moved = dict(params)
        for (name, distribution), change in zip(self._distributions.items(), changed, strict=True):
            if change and isinstance(distribution, CategoricalDistribution):
                moved[name] = _draw(distribution, rng)
            elif change:
                moved[name] = _at(distribution, _unit(distribution, params[name]) + rng.normal(0.0, _SPREAD))
        return moved


def _draw(distribution: BaseDistribution, rng: np.random.Generator) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[rng.integers(len(distribution.choices))]
    return _at(distribution, rng.random())


def _ends(distribution: BaseDistribution) -> tuple[float, float]:
    """Return the range of a number, in the logarithm where it is uniform there; a grid has half a step more at both."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    margin = 0.5 * (distribution.step or 0)
    low, high = distribution.low - margin, distribution.high + margin
    return (math.log(low), math.log(high)) if distribution.log else (low, high)


def _unit(distribution: BaseDistribution, value: float) -> float:
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = _ends(distribution)
    here = math.log(value) if distribution.log else value
    return (here - low) / (high - low) if high > low else 0.5


def _at(distribution: BaseDistribution, unit: float) -> int | float:
    """Return the value nearest to a position, of the distribution's type."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = _ends(distribution)
    value = low + min(max(unit, 0.0), 1.0) * (high - low)
    value = math.exp(value) if distribution.log else value
    if distribution.step is not None:
        steps = round((value - distribution.low) / distribution.step)
        value = distribution.low + steps * distribution.step
    value = min(max(value, distribution.low), distribution.high)
    return int(value) if isinstance(distribution, IntDistribution) else float(value)
