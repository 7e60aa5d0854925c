"""Proposals for a study whose space is only inferred from its trials: any objectives, no costs, repeats allowed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import optuna
import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP, SingleTaskGP
from botorch.sampling import SobolQMCNormalSampler
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from gpytorch.mlls import ExactMarginalLogLikelihood
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from torch import Tensor

from autopeft.samplers.alone import alone
from autopeft.samplers.own_trials import own_trials
from autopeft.samplers.plain_knobs import PlainKnobs

__all__ = ["propose_plain"]

#: Random points, then in each round neighbours of the best points so far.
_DRAWS, _ROUNDS, _BEST, _NEAR = 256, 6, 8, 16

#: Draws of the outcomes over which improvements are averaged.
_SAMPLES = 64

#: The latest trials the model is conditioned on.
_MOST = 300


def propose_plain(
    study: optuna.Study, trial: FrozenTrial, knobs: PlainKnobs, names: Sequence[str], rng: np.random.Generator
) -> dict[str, Any] | None:
    """Return the parameters of largest expected improvement, or None when the trials do not tell anything.

    Args:
        study: The study, of one or more objectives.
        trial: The trial that is asked for.
        knobs: Encodes the parameters.
        names: Names of the parameters; trials that lack one are left out.
        rng: The source of chance.
    """
    others = [each for each in own_trials(study) if each.number != trial.number]
    placed = [each for each in others if all(name in each.params for name in names)]
    told = _latest([each for each in placed if each.state == TrialState.COMPLETE])
    outcomes = _outcomes(told, study.directions)
    if len(told) < 2 or not np.ptp(outcomes, axis=0).any():
        return None
    pending = sorted((each for each in placed if each.state == TrialState.RUNNING), key=_text)
    seed = int(rng.integers(2**31))
    with alone(seed):
        improvement = _improvement(
            _rows(knobs, [each.params for each in told]),
            torch.from_numpy(outcomes),
            _rows(knobs, [each.params for each in pending]) if pending else None,
            seed,
        )
        front = np.flatnonzero(is_non_dominated(torch.from_numpy(outcomes)).numpy())
        return _search(improvement, knobs, [told[index].params for index in rng.permutation(front)[:_BEST]], rng)


def _latest(told: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials told last, in an order of their own: sums depend on it in their last digit."""
    latest = sorted(told, key=lambda trial: trial.datetime_complete or datetime.min)[-_MOST:]
    return sorted(latest, key=lambda trial: (_text(trial), trial.values))


def _text(trial: FrozenTrial) -> str:
    return repr(sorted(trial.params.items()))


def _outcomes(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> NDArray[np.float64]:
    """Return the objectives, all to be maximised, of mean 0 and spread 1; infinite ones count as the worst."""
    signs = np.array([1.0 if direction == StudyDirection.MAXIMIZE else -1.0 for direction in directions])
    values = np.array([trial.values for trial in trials], dtype=np.float64).reshape(len(trials), len(signs)) * signs
    for column in values.T:
        finite = column[np.isfinite(column)]
        column[~np.isfinite(column)] = finite.min() if finite.size else 0.0
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _improvement(x: Tensor, y: Tensor, pending: Tensor | None, seed: int) -> Callable[[Tensor], Tensor]:
    """Fit a Gaussian process to each objective; return the log of the expected improvement of points `m x d`."""
    # BoTorch would compile a C++ kernel here: 20 s, and a compiler the user may lack, to save milliseconds.
    logei._load_attempted = True
    sampler = SobolQMCNormalSampler(torch.Size([_SAMPLES]), seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = [SingleTaskGP(x, column.unsqueeze(-1), outcome_transform=None) for column in y.T]
        for model in models:
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model), max_attempts=2)
        if len(models) == 1:
            acquisition: Any = qLogNoisyExpectedImprovement(
                models[0], X_baseline=x, sampler=sampler, X_pending=pending, prune_baseline=True
            )
        else:
            acquisition = qLogNoisyExpectedHypervolumeImprovement(
                ModelListGP(*models),
                ref_point=infer_reference_point(y),
                X_baseline=x,
                sampler=sampler,
                X_pending=pending,
                prune_baseline=True,
            )

    def values(points: Tensor) -> Tensor:
        with torch.no_grad():
            return acquisition(points.unsqueeze(-2))

    return values


def _search(
    improvement: Callable[[Tensor], Tensor],
    knobs: PlainKnobs,
    starts: Sequence[dict[str, Any]],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return the best of some starts, of random points and of the neighbours of the best, round by round."""
    points = [*starts, *(knobs.draw(rng) for _ in range(_DRAWS))]
    values = improvement(_rows(knobs, points))
    for _ in range(_ROUNDS):
        best = values.topk(min(_BEST, len(points))).indices.tolist()
        near = [knobs.step(points[index], rng) for index in best for _ in range(_NEAR)]
        points = [*(points[index] for index in best), *near]
        values = torch.cat([values[best], improvement(_rows(knobs, near))])
    return points[int(values.argmax())]


def _rows(knobs: PlainKnobs, params: Sequence[dict[str, Any]]) -> Tensor:
    return torch.from_numpy(np.array([knobs.encode(each) for each in params]))
