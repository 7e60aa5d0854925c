"""A search space of plain knobs, for recorded runs that the language of search spaces does not describe."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution

from autopeft.space import Configuration
from autopeft.space.moves import moves
from autopeft.space.parameters import Parameter

__all__ = ["FlatSpace"]

Params = Mapping[str, Any]


class FlatSpace:
    """What samplers ask of a `BoundSpace`, where every knob always matters and all values go together.

    Args:
        name: Name of the space.
        parameters: Its knobs.
    """

    def __init__(self, name: str, parameters: Sequence[Parameter]) -> None:
        self.name = name
        self.parameters = tuple(parameters)

    @cached_property
    def size(self) -> int | None:
        """Number of points; None when a knob is continuous."""
        sizes = [parameter.size for parameter in self.parameters]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return the Optuna distributions of all knobs."""
        return {parameter.name: parameter.distribution() for parameter in self.parameters}

    def suggest(self, trial: Any) -> Configuration:
        """Let an Optuna trial suggest every knob."""
        return self.decode({parameter.name: parameter.suggest(trial) for parameter in self.parameters})

    def decode(self, params: Params) -> Configuration:
        """Return the configuration at a point: the knobs as they are."""
        knobs = {parameter.name: params[parameter.name] for parameter in self.parameters}
        return Configuration.from_dict({"modules": {}, "training": knobs})

    def encode(self, configuration: Configuration) -> dict[str, Any]:
        """Return the point of a configuration."""
        return dict(configuration.training)

    def contains(self, configuration: Configuration) -> bool:
        """Tell whether a configuration has the knobs of the space."""
        return configuration.training.keys() == {parameter.name for parameter in self.parameters}

    def allows(self, configuration: Configuration) -> bool:
        """Allow everything."""
        return True

    def canonical(self, params: Params) -> dict[str, Any]:
        """Return a point as it is."""
        return {parameter.name: params[parameter.name] for parameter in self.parameters}

    def active(self, params: Params) -> frozenset[str]:
        """Return the names of all knobs."""
        return frozenset(parameter.name for parameter in self.parameters)

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw a point, uniform in each knob."""
        return {parameter.name: parameter.at(rng.random()) for parameter in self.parameters}

    def unit(self, params: Params) -> np.ndarray:
        """Return a point as an array of shape `(parameters,)` with values from 0 to 1."""
        return np.array([parameter.unit(params[parameter.name]) for parameter in self.parameters])

    def neighbours(self, params: Params, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
        """Yield the points one step away in one knob, in random order."""
        near = [
            {**params, parameter.name: value}
            for parameter in self.parameters
            for value in moves(parameter, params[parameter.name], rng)
            if value != params[parameter.name]
        ]
        return (near[index] for index in rng.permutation(len(near)))
