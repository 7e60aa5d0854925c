"""Searches that can be replayed in seconds: what answers a proposal, and how a set of answers is scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from autopeft.samplers import hypervolume
from autopeft.space import Configuration

__all__ = ["NEAR", "Answer", "Answers", "Benchmark", "Best", "Nearest", "Row", "Surrogate"]

#: What is within half a point of the best is nearly as good: people take the cheapest such.
NEAR = 0.005


@dataclass(frozen=True)
class Answer:
    """What a proposal is answered by.

    Args:
        configuration: What was trained in its place.
        cost: Its cost.
        told: The accuracy the sampler is told.
        true: The accuracy that counts: without the noise, where that is known.
        curve: What it measured at each rung and at its end, where that was recorded.
    """

    configuration: Configuration
    cost: int
    told: float
    true: float
    curve: Sequence[Mapping[str, float]] = ()


@dataclass(frozen=True)
class Best:
    """The best that is known of a benchmark.

    Args:
        hypervolume: Of all of it.
        accuracy: The highest within the budget.
        cost: Of the cheapest within half a point of that.
    """

    hypervolume: float
    accuracy: float
    cost: float

    @classmethod
    def of(
        cls, costs: Sequence[float], accuracies: Sequence[float], *, limit: int, reference: float, cheapest: int
    ) -> Best:
        """Return the best of a set of runs; the scale is that of `autopeft.samplers.hypervolume`."""
        whole = hypervolume(costs, accuracies, limit=limit, reference=reference, cheapest=cheapest)
        within = [(cost, accuracy) for cost, accuracy in zip(costs, accuracies, strict=True) if cost <= limit]
        highest = max(accuracy for _, accuracy in within)
        near = min(cost for cost, accuracy in within if accuracy >= highest - NEAR)
        return cls(whole, highest, max(near, cheapest))


class Answers(Protocol):
    """Answers proposals, the same for every sampler."""

    def __call__(self, configuration: Configuration, used: set[str], rng: np.random.Generator) -> Answer:
        """Answer a proposal, given the texts of what was answered before."""


@dataclass(frozen=True)
class Benchmark:
    """A search to replay.

    Args:
        name: Its name.
        space: The search space, a `BoundSpace` or a `FlatSpace`.
        cost: Exact cost of a configuration.
        answers: What answers a proposal.
        baselines: What every search runs first.
        most: Trials of its longest search: half of a table's rows.
        best: Computes the best that is known.
        limit: The budget.
        reference: Accuracy that scores nothing: head-only's, where there is one.
        cheapest: Cheapest non-zero cost of the space.
        stopping: Whether trials that will not reach the front are stopped at their rungs.
        stepped: The space with learning rates as steps, where that is tried.
        ladders: What people would try by hand, in order, by name.
    """

    name: str
    space: Any
    cost: Callable[[Configuration], int]
    answers: Answers
    baselines: Mapping[str, Configuration]
    most: int
    best: Callable[[], Best]
    limit: int
    reference: float
    cheapest: int
    stopping: bool = False
    stepped: Any = None
    ladders: Mapping[str, Sequence[Configuration]] = field(default_factory=dict)

    def score(self, answers: Sequence[Answer]) -> float:
        """Return the hypervolume of answers."""
        costs, true = [answer.cost for answer in answers], [answer.true for answer in answers]
        return hypervolume(costs, true, limit=self.limit, reference=self.reference, cheapest=self.cheapest)


@dataclass(frozen=True)
class Row:
    """A recorded run at a point of the space, with its curve where that was recorded."""

    configuration: Configuration
    cost: int
    accuracy: float
    curve: Sequence[Mapping[str, float]] = ()


class Nearest:
    """Answers a proposal by the nearest row not used yet.

    Nearest is the smallest sum of the squared difference in decades of cost and the mean squared difference of knobs,
    each from 0 to 1; different words are 1 apart.

    Args:
        space: The space.
        cost: Exact cost of a configuration.
        rows: The rows; those of one configuration are told apart.

    Attributes:
        rows: The rows.
    """

    def __init__(self, space: Any, cost: Callable[[Configuration], int], rows: Sequence[Row]) -> None:
        self._space = space
        self._cost = cost
        self.rows = rows
        self._words = np.array([not parameter.ordered for parameter in space.parameters])
        self._places = np.array([self._place(row.configuration) for row in rows])

    def __call__(self, configuration: Configuration, used: set[str], rng: np.random.Generator) -> Answer:
        """Answer by the nearest row whose configuration is not in `used`."""
        apart = self._places - self._place(configuration)
        apart[:, :-1] = np.where(self._words, apart[:, :-1] != 0, apart[:, :-1])
        distances = (apart[:, :-1] ** 2).mean(axis=1) + apart[:, -1] ** 2
        for index in np.argsort(distances, kind="stable"):
            row = self.rows[index]
            if row.configuration.text not in used:
                return Answer(row.configuration, row.cost, row.accuracy, row.accuracy, row.curve)
        raise LookupError("every row is used")

    def _place(self, configuration: Configuration) -> np.ndarray:
        params = self._space.encode(configuration)
        return np.append(self._space.unit(params), np.log10(max(self._cost(configuration), 1)))


class Surrogate:
    """Answers a proposal by a fitted model of accuracy and its noise.

    Args:
        cost: Exact cost of a configuration.
        accuracy: The model: accuracies of many configurations at once.
        noise: Standard deviation of what is told about what is true.
    """

    def __init__(
        self,
        cost: Callable[[Configuration], int],
        accuracy: Callable[[Sequence[Configuration]], np.ndarray],
        noise: float,
    ) -> None:
        self._cost = cost
        self._accuracy = accuracy
        self._noise = noise

    def __call__(self, configuration: Configuration, used: set[str], rng: np.random.Generator) -> Answer:
        """Answer with the model's mean and a draw of the noise."""
        true = float(self._accuracy([configuration])[0])
        return Answer(configuration, self._cost(configuration), true + self._noise * float(rng.normal()), true)
