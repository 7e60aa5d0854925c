"""Compare models of accuracy by how well they foretell recorded runs that they have not seen.

    python -m studies.arena.models icd10 peft

prints, for each model and number of runs seen, the mean log density of the accuracies not seen (standardised by all
runs; higher is better), and its mean difference from the sampler's own model with a standard error over draws of the
runs seen, which are the same for all models.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.map_saas import get_map_saas_model
from gpytorch.mlls import ExactMarginalLogLikelihood
from numpy.typing import NDArray
from torch import Tensor

from autopeft.launch import SearchPlan, prepare
from autopeft.methods import VOCABULARY
from autopeft.samplers.features import Features
from autopeft.samplers.points import AffordablePoints, Point
from autopeft.samplers.surrogate import AccuracyModel, fit_accuracy, winsorised
from autopeft.space import cells
from studies.arena.benchmarks import Benchmark, Nearest
from studies.arena.catalogue import load
from studies.arena.record import TASKS
from studies.arena.sensitivity import expected_gain, sensitivity

__all__ = ["MODELS", "compare"]

#: Runs seen, and draws of them.
_SEEN, _DRAWS = (16, 32), 6

#: Roles whose places are counted apart.
_ROLES = ("q", "k", "v", "o", "up", "down")

Columns = Callable[[Benchmark, Features, Sequence[Point]], NDArray[np.float64]]


class Model(NamedTuple):
    """What a model sees of points, the log-cost last, and how it is fitted, given the columns of learning rates too."""

    columns: Columns
    fit: Callable[[Tensor, Tensor, Sequence[int]], AccuracyModel]


def plain(benchmark: Benchmark, features: Features, points: Sequence[Point]) -> NDArray[np.float64]:
    """Return what the sampler sees: knobs, inactive ones at a constant, and the log-cost."""
    return features.encode(points)


def nothing(benchmark: Benchmark, features: Features, points: Sequence[Point]) -> NDArray[np.float64]:
    """Return points that are all alike, so that a model foretells the mean everywhere: what others have to beat."""
    return np.zeros((len(points), 2))


def costed(benchmark: Benchmark, features: Features, points: Sequence[Point]) -> NDArray[np.float64]:
    """Add where the cost is: lowest, mean and number of adapted layers, and places by role."""
    added = []
    for point in points:
        placed = [cell for each in cells(point.configuration, VOCABULARY).values() for cell in each]
        layers = sorted({cell.layer for cell in placed}) or [0]
        roles = [sum(cell.role == role for cell in placed) for role in _ROLES]
        added.append([layers[0], float(np.mean(layers)), len(layers), *roles])
    table = np.array(added, dtype=np.float64)
    return np.hstack([table / np.maximum(table.max(axis=0), 1.0), features.encode(points)])


def arcs(benchmark: Benchmark, features: Features, points: Sequence[Point]) -> NDArray[np.float64]:
    """Put the values of a knob on an arc around the place of inactive ones, from which all are equally far.

    The arc kernel of Swersky et al. 2013 ("Raiders of the Lost Architecture"), with a quarter of a circle.
    """
    rows = []
    for point in points:
        active = benchmark.space.active(point.params)
        angles = benchmark.space.unit(point.params) * math.pi / 2
        radii = np.array([float(parameter.name in active) for parameter in benchmark.space.parameters])
        rows.append([*(radii * np.cos(angles)), *(radii * np.sin(angles)), features.log_cost(point.cost)])
    return np.array(rows)


def sensed(benchmark: Benchmark, features: Features, points: Sequence[Point]) -> NDArray[np.float64]:
    """Put what the gradients of the untrained backbone promise before the log-cost, standardised."""
    by = sensitivity(prepare(SearchPlan.of(TASKS[benchmark.name])))
    gains = np.array([expected_gain(point.configuration, by) for point in points])
    rows = features.encode(points)
    return np.column_stack([rows[:, :-1], (gains - gains.mean()) / gains.std(), rows[:, -1:]])


def ours(x: Tensor, y: Tensor, rates: Sequence[int]) -> AccuracyModel:
    """Fit the sampler's own model."""
    return fit_accuracy(x, y, rates=rates)


def guided(x: Tensor, y: Tensor, rates: Sequence[int]) -> AccuracyModel:
    """Fit the sampler's own model with an expectation, as for a warm start."""
    return fit_accuracy(x, y, rates=rates, guided=True)


def unrated(x: Tensor, y: Tensor, rates: Sequence[int]) -> AccuracyModel:
    """Fit the sampler's own model without its kernel over learning rates."""
    return fit_accuracy(x, y)


def sparse(x: Tensor, y: Tensor, rates: Sequence[int]) -> AccuracyModel:
    """Fit a Gaussian process with a sparse-axis prior by maximum a posteriori (MAP-SAAS)."""
    return _fitted(get_map_saas_model, x, y)


def scaled(x: Tensor, y: Tensor, rates: Sequence[int]) -> AccuracyModel:
    """Fit BoTorch's own Gaussian process, with a length scale for every column."""
    return _fitted(partial(SingleTaskGP, outcome_transform=None), x, y)


def _fitted(make: Callable[[Tensor, Tensor], Any], x: Tensor, y: Tensor) -> AccuracyModel:
    centre, scale = y.mean(), y.std()
    z = (y - centre) / scale
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make(x, z.unsqueeze(-1))
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    model.eval()
    noise, level = model.likelihood.noise.detach(), model.mean_module.constant.detach()
    return AccuracyModel(model.covar_module, noise, level, x, z, centre, scale)


#: Models by name, the sampler's own first.
MODELS: Mapping[str, Model] = {
    "own": Model(plain, ours),
    "no kernel over rates": Model(plain, unrated),
    "cost features": Model(costed, ours),
    "gradient sensitivity": Model(sensed, guided),
    "arcs": Model(arcs, unrated),
    "a scale a column": Model(plain, scaled),
    "MAP-SAAS": Model(plain, sparse),
    "constant": Model(nothing, unrated),
}


def compare(name: str, seen: int, draws: int) -> dict[str, NDArray[np.float64]]:
    """Return the mean log density of unseen accuracies for each model and draw.

    Gradients are known of our own tables only.

    Args:
        name: A benchmark that is answered by recorded runs.
        seen: Runs that a model sees.
        draws: Draws of these runs.
    """
    benchmark = load(name)
    assert isinstance(benchmark.answers, Nearest), "a benchmark of runs"
    rows = [row for row in benchmark.answers.rows if row.cost > 0]
    points = AffordablePoints(benchmark.space, benchmark.cost, benchmark.limit)
    features = Features(points)
    places = [points.point(benchmark.space.encode(row.configuration)) for row in rows]
    y = torch.from_numpy(winsorised([row.accuracy for row in rows], [False] * len(rows)))
    models = {model: one for model, one in MODELS.items() if name in TASKS or one.columns is not sensed}
    inputs = {model: torch.from_numpy(one.columns(benchmark, features, places)) for model, one in models.items()}
    found: dict[str, list[float]] = {model: [] for model in models}
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(rows))
        known, unknown = order[:seen], order[seen:]
        for model, one in models.items():
            fitted = one.fit(inputs[model][known], y[known], features.rates)
            mean, deviation = fitted.predict(inputs[model][unknown])
            spread = (deviation**2 + fitted.noise * fitted.scale**2).sqrt() / y.std()
            density = torch.distributions.Normal(mean / y.std(), spread).log_prob(y[unknown] / y.std())
            found[model].append(float(density.mean()))
    return {model: np.array(values) for model, values in found.items()}


def main() -> None:
    """Print a line for each table, number of runs and model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", choices=("peft", *TASKS))
    parser.add_argument("--seen", nargs="+", type=int, default=_SEEN, help="runs seen, fewer than the table has")
    parser.add_argument("--draws", type=int, default=_DRAWS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for table in given.tables:
        for seen in given.seen:
            found = compare(table, seen, given.draws)
            for model, values in found.items():
                apart = values - found["own"]
                error = apart.std(ddof=1) / math.sqrt(len(apart))
                print(f"{table} {seen} {model}: {values.mean():.3f} ({apart.mean():+.3f} ± {error:.3f})", flush=True)


if __name__ == "__main__":
    main()
