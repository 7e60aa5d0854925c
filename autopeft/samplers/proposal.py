"""One proposal of the Bayesian optimiser: fit, build the acquisition, search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autopeft.samplers.acquisition import log_expected_growth
from autopeft.samplers.alone import alone
from autopeft.samplers.axes import CostColumns
from autopeft.samplers.expectation import Expectation, encode
from autopeft.samplers.features import Features
from autopeft.samplers.history import History, Observation
from autopeft.samplers.hypervolume import pareto_front_of_many
from autopeft.samplers.kernels import Kernels
from autopeft.samplers.local_search import maximise
from autopeft.samplers.points import AffordablePoints, Point
from autopeft.samplers.surrogate import AccuracyModel, fit_accuracy, winsorised
from autopeft.samplers.thinning import kept

__all__ = ["cost_band", "propose"]

#: Bands of cost that proposals go round.
_BANDS = 3

#: More than any two values of the acquisition, a logarithm, differ by.
_OUTSIDE = 1e3


def propose(
    history: History,
    points: AffordablePoints,
    features: Features,
    columns: CostColumns,
    expectation: Expectation | None,
    kernels: Kernels,
    rng: np.random.Generator,
) -> Point | None:
    """Return the new point that promises the largest growth of the front, or None when none was met.

    Args:
        history: The study so far, with at least two different accuracies.
        points: The points allowed.
        features: Their encoding.
        columns: The costs that are objectives.
        expectation: What an earlier study expects, where there is one.
        kernels: Makes the model, and remembers what it has fitted.
        rng: The source of chance.
    """

    def rows(some: Sequence[Point]) -> Tensor:
        plain = encode(some, features, columns)
        return plain if expectation is None else expectation.beside(plain)

    with alone(int(rng.integers(2**31))):
        told = kept(history.observations)
        highest = winsorised([o.accuracy for o in told], [o.failed for o in told]).max()
        x = rows([o.point for o in told])
        model = kernels.model(history.observations, rows, features.rates, guided=expectation is not None)
        costs = _cost_model(x, told, columns)
        fair = [o for o in told if not o.failed and points.affordable(o.point)]
        # A reference below all that count leaves the acquisition something to tell apart.
        reference = min(history.reference or 0.0, float(highest))
        tried = rows([o.point for o in fair] + [p for p in history.pending if points.affordable(p)])
        if history.pending:
            model = model.believing(rows(history.pending))
        expected, _ = model.predict(tried)
        paid = costs(tried)
        low, high = cost_band(points, history.proposals)

        def value(candidates: Sequence[Point]) -> NDArray[np.float64]:
            x = rows(candidates)
            found = log_expected_growth(*model.predict(x), costs(x), expected, paid, reference).numpy()
            # Outside the band a point is the last resort, not forbidden.
            inside = np.array([low < point.cost <= high for point in candidates])
            return np.where(inside, found, found - _OUTSIDE)

        front = pareto_front_of_many([o.costs for o in fair], [o.accuracy for o in fair])
        return maximise(value, points, [fair[i].point for i in front], history.seen, rng)


def _cost_model(x: Tensor, told: Sequence[Observation], columns: CostColumns) -> Callable[[Tensor], Tensor]:
    """Return what reads the log-costs of encoded points, `m x k`: known ones off a column, others off a model."""
    readers: list[Callable[[Tensor], Tensor]] = []
    for place, axis in enumerate(columns.axes):
        if axis.known is not None:
            readers.append(partial(_column, columns.place(axis)))
            continue
        logs = torch.tensor([axis.share(o.costs[place]) for o in told], dtype=x.dtype)
        model = fit_accuracy(x, logs) if logs.max() > logs.min() else None
        readers.append(partial(_expected, model, logs))
    return lambda rows: torch.stack([read(rows) for read in readers], dim=-1)


def _column(place: int, rows: Tensor) -> Tensor:
    return rows[:, place]


def _expected(model: AccuracyModel | None, logs: Tensor, rows: Tensor) -> Tensor:
    return logs.new_full((len(rows),), float(logs[0])) if model is None else model.predict(rows)[0]


def cost_band(points: AffordablePoints, turn: int) -> tuple[float, float]:
    """Return the costs to propose in at this turn, above the first and up to the second.

    Turns go round the bands, equal in the logarithm, from the dearest down. Left alone, the acquisition stays with
    the cheapest costs: an accuracy gained there counts over all decades above, and noise promises one again and
    again.
    """
    edges = np.geomspace(max(points.cheapest.cost, 1), max(points.limit, 1), _BANDS + 1)
    band = _BANDS - 1 - turn % _BANDS
    return (float(edges[band]) if band else -1.0), float(edges[band + 1])
