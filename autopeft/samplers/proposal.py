"""One proposal of the Bayesian optimiser: fit, build the acquisition, search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from autopeft.samplers.acquisition import hypervolume_improvement
from autopeft.samplers.alone import alone
from autopeft.samplers.features import Features
from autopeft.samplers.history import History
from autopeft.samplers.hypervolume import pareto_front
from autopeft.samplers.local_search import maximise
from autopeft.samplers.points import AffordablePoints, Point
from autopeft.samplers.surrogate import fit_accuracy, winsorised

__all__ = ["cost_band", "propose"]

#: Bands of cost that proposals go round.
_BANDS = 3

#: More than any two values of the acquisition, a logarithm, differ by.
_OUTSIDE = 1e3


def propose(history: History, points: AffordablePoints, features: Features, rng: np.random.Generator) -> Point | None:
    """Return the new point that promises the largest growth of the front, or None when none was met.

    Args:
        history: The study so far, with at least two different accuracies.
        points: The points allowed.
        features: Their encoding.
        rng: The source of chance.
    """
    seed = int(rng.integers(2**31))
    with alone(seed):
        told = history.observations
        accuracies = winsorised([o.accuracy for o in told], [o.failed for o in told])
        x = torch.from_numpy(features.encode([o.point for o in told]))
        model = fit_accuracy(x, torch.from_numpy(accuracies).unsqueeze(-1))
        fair = [i for i, o in enumerate(told) if not o.failed and points.affordable(o.point)]
        # A reference below all that count leaves the acquisition something to tell apart.
        reference = min(history.reference or 0.0, float(accuracies.max()))
        pending = [point for point in history.pending if points.affordable(point)]
        improvement = hypervolume_improvement(
            model,
            features.decades,
            reference,
            x[fair],
            torch.from_numpy(features.encode(pending)) if pending else None,
            seed,
        )

        low, high = cost_band(points, history.proposals)

        def value(candidates: Sequence[Point]) -> NDArray[np.float64]:
            found = improvement(torch.from_numpy(features.encode(candidates))).numpy()
            # Outside the band a point is the last resort, not forbidden.
            inside = np.array([low < point.cost <= high for point in candidates])
            return np.where(inside, found, found - _OUTSIDE)

        front = pareto_front([told[i].point.cost for i in fair], [told[i].accuracy for i in fair])
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
