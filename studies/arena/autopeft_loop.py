"""The search loop of AutoPEFT (Zhou et al., TACL 2024, section 3.2), as a sampler.

A sparse-axis Gaussian process for each objective, outcomes turned to normal scores, noisy expected hypervolume
improvement maximised by local search over Hamming neighbours, four proposals at a time. The processes are fitted by
maximum a posteriori (MAP-SAAS), or sampled by NUTS as the paper does; points over the budget or proposed before are not
looked at, as for every other contestant.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from botorch.acquisition.multi_objective.monte_carlo import qNoisyExpectedHypervolumeImprovement
from botorch.fit import fit_fully_bayesian_model_nuts, fit_gpytorch_mll
from botorch.models import ModelListGP
from botorch.models.fully_bayesian import SaasFullyBayesianSingleTaskGP
from botorch.models.map_saas import get_map_saas_model
from botorch.sampling import SobolQMCNormalSampler
from gpytorch.mlls import ExactMarginalLogLikelihood
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import norm, rankdata

from autopeft.samplers.history import point_of, read_history
from autopeft.samplers.points import AffordablePoints, Cost, Point

__all__ = ["AutoPeftLoop"]

_BATCH = 4
_RESTARTS = 10
_EVALUATIONS = 2000
_NEIGHBOURS = 32
_DRAWS = 64

#: Steps of NUTS, and which of its samples are kept.
_NUTS = {"warmup_steps": 256, "num_samples": 128, "thinning": 16}


class AutoPeftLoop(BaseSampler):
    """Propose as AutoPEFT does.

    Args:
        space: The space, bound to a backbone.
        cost: The exact cost of a configuration.
        limit: The highest cost allowed, inclusive.
        seed: Seed of everything random.
        random_trials: Trials, baselines included, before the model is asked.
        nuts: Whether to sample the processes; takes `pip install "botorch[fully_bayesian]"`.
    """

    def __init__(
        self, space: Any, cost: Cost, limit: int, *, seed: int, random_trials: int, nuts: bool = False
    ) -> None:
        self._points = AffordablePoints(space, cost, limit)
        self._seed = seed
        self._random_trials = random_trials
        self._fit = _sampled if nuts else _most_likely
        self._fitted: dict[int, ModelListGP] = {}

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return dict(self._points.space.distributions())

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Propose a point; the four of a batch see what had been finished when the batch began.

        The loop knows no early stopping: a trial that was stopped tells it nothing.
        """
        rng = np.random.default_rng((self._seed, trial.number))
        seen = read_history(study, trial, self._points).seen
        point = None
        if trial.number >= self._random_trials:
            begin = trial.number - (trial.number - self._random_trials) % _BATCH
            others = [each for each in study.get_trials(deepcopy=False) if each.number < trial.number]
            ended = [each for each in others if each.number < begin and each.state.is_finished()]
            pending = [point_of(each, self._points) for each in others if each not in ended]
            told = [each for each in ended if each.state == TrialState.COMPLETE]
            observed = [(place, each) for each in told if (place := point_of(each, self._points)) is not None]
            point = self._improve(
                begin,
                [place for place, _ in observed],
                np.array([[-each.values[0], each.values[1]] for _, each in observed]),
                [place for place in pending if place is not None],
                seen,
                rng,
            )
        if point is None:
            point = self._points.new_near(self._points.point(self._points.space.sample(rng)), seen, rng)
        assert point is not None, "the space is exhausted"
        return dict(point.params)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return RandomSampler(seed=self._seed).sample_independent(study, trial, param_name, param_distribution)

    def _improve(
        self,
        begin: int,
        told: list[Point],
        outcomes: NDArray[np.float64],
        pending: list[Point],
        seen: frozenset[str],
        rng: np.random.Generator,
    ) -> Point | None:
        seed = int(rng.integers(2**31))
        scores = norm.ppf(rankdata(outcomes, axis=0) / (len(outcomes) + 1))
        x = self._encode(told)
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            torch.manual_seed(seed)
            warnings.simplefilter("ignore")
            # The four of a batch have the same models.
            if begin not in self._fitted:
                models = [self._fit(x, torch.from_numpy(column).unsqueeze(-1)) for column in scores.T]
                self._fitted = {begin: ModelListGP(*models)}
            acquisition = qNoisyExpectedHypervolumeImprovement(
                self._fitted[begin],
                ref_point=scores.min(axis=0).tolist(),
                X_baseline=x,
                X_pending=self._encode(pending) if pending else None,
                sampler=SobolQMCNormalSampler(torch.Size([64]), seed=seed),
                prune_baseline=True,
            )
            return self._climb(acquisition, seen, rng)

    def _climb(self, acquisition: Any, seen: frozenset[str], rng: np.random.Generator) -> Point | None:
        """Search by Hamming neighbours from the best of random points, ten times or until the evaluations are spent."""
        values: dict[str, float] = {}

        def evaluate(points: list[Point]) -> list[Point]:
            fresh = list({p.text: p for p in points if p.text not in values and p.text not in seen}.values())
            if fresh:
                with torch.no_grad():
                    found = acquisition(self._encode(fresh).unsqueeze(-2)).tolist()
                values.update(zip((p.text for p in fresh), found, strict=True))
            return sorted((p for p in points if p.text in values), key=lambda p: -values[p.text])

        drawn = [self._points.point(self._points.space.sample(rng)) for _ in range(_DRAWS)]
        starts = evaluate([self._points.within(point, self._points.limit, rng) for point in drawn])[:_RESTARTS]
        ends = []
        for here in starts:
            while len(values) < _EVALUATIONS:
                near = evaluate(self._points.neighbours(here, rng, most=_NEIGHBOURS))
                if not near or values[near[0].text] <= values[here.text]:
                    break
                here = near[0]
            ends.append(here)
        return max(ends, key=lambda p: values[p.text], default=None)

    def _encode(self, points: list[Point]) -> torch.Tensor:
        return torch.from_numpy(np.array([self._points.space.unit(point.params) for point in points]))


def _most_likely(x: torch.Tensor, y: torch.Tensor) -> Any:
    model = get_map_saas_model(x, y)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model


def _sampled(x: torch.Tensor, y: torch.Tensor) -> Any:
    model = SaasFullyBayesianSingleTaskGP(x, y)
    fit_fully_bayesian_model_nuts(model, **_NUTS, disable_progbar=True)
    return model
