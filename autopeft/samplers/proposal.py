"""One proposal of the Bayesian optimiser: fit, build the acquisition, search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from botorch.models import ModelListGP
from numpy.typing import NDArray
from torch import Tensor

from autopeft.samplers.acquisition import hypervolume_improvement
from autopeft.samplers.axes import CostAxis, CostColumns
from autopeft.samplers.features import Features
from autopeft.samplers.history import History
from autopeft.samplers.hypervolume import pareto_front_of_many
from autopeft.samplers.local_search import maximise
from autopeft.samplers.points import AffordablePoints, Point
from autopeft.samplers.surrogate import fit_accuracy, winsorised

__all__ = ["cost_band", "propose"]

#: Bands of cost that proposals go round.
_BANDS = 3

#: More than any two values of the acquisition, a logarithm, differ by.
_OUTSIDE = 1e3


def propose(
    history: History,
    points: AffordablePoints,
    features: Features,
    axes: Sequence[CostAxis],
    columns: CostColumns,
    rng: np.random.Generator,
) -> Point | None:
    """Return the new point that promises the largest growth of the front, or None when none was met.

    Args:
        history: The study so far, with at least two different accuracies.
        points: The points allowed.
        features: Their encoding.
        axes: The costs that are objectives.
        columns: Computes those that are known.
        rng: The source of chance.
    """
    seed = int(rng.integers(2**31))
    with _alone(seed):
        told = history.observations
        accuracies = winsorised([o.accuracy for o in told], [o.failed for o in told])

        def encode(candidates: Sequence[Point]) -> Tensor:
            return torch.from_numpy(np.hstack([columns.encode(candidates), features.encode(candidates)]))

        x = encode([o.point for o in told])
        models = [fit_accuracy(x, torch.from_numpy(accuracies).unsqueeze(-1))]
        measured = [(place, axis) for place, axis in enumerate(axes) if axis.known is None]
        for place, axis in measured:
            logs = np.array([axis.log(o.costs[place]) for o in told])
            models.append(fit_accuracy(x, torch.from_numpy(logs).unsqueeze(-1)))
        fair = [i for i, o in enumerate(told) if not o.failed and points.affordable(o.point)]
        # A reference below all that count leaves the acquisition something to tell apart.
        reference = min(history.reference or 0.0, float(accuracies.max()))
        pending = [point for point in history.pending if points.affordable(point)]
        improvement = hypervolume_improvement(
            ModelListGP(*models) if measured else models[0],
            columns.places(features.decades),
            [axis.decades for _, axis in measured],
            reference,
            x[fair],
            encode(pending) if pending else None,
            seed,
        )

        low, high = cost_band(points, history.proposals)

        def value(candidates: Sequence[Point]) -> NDArray[np.float64]:
            found = improvement(encode(candidates)).numpy()
            # Outside the band a point is the last resort, not forbidden.
            inside = np.array([low < point.cost <= high for point in candidates])
            return np.where(inside, found, found - _OUTSIDE)

        front = pareto_front_of_many([told[i].costs for i in fair], [told[i].accuracy for i in fair])
        return maximise(value, points, [told[fair[i]].point for i in front], history.seen, rng)


def cost_band(points: AffordablePoints, turn: int) -> tuple[float, float]:
    """Return the costs to propose in at this turn, above the first and up to the second.

    Turns go round the bands, equal in the logarithm, from the dearest down. Left alone, the acquisition stays with
    the cheapest costs: an accuracy gained there counts over all decades above, and noise promises one again and
    again.
    """
    edges = np.geomspace(max(points.cheapest.cost, 1), max(points.limit, 1), _BANDS + 1)
    band = _BANDS - 1 - turn % _BANDS
    return (float(edges[band]) if band else -1.0), float(edges[band + 1])


@contextmanager
def _alone(seed: int) -> Iterator[None]:
    """Compute on one thread, as workers train on the other cores, and leave torch's state as it was."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
