"""The sampler of autopeft: Bayesian optimisation of a front under a hard budget."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from autopeft.errors import ExhaustedSpaceError
from autopeft.samplers.axes import CostAxis, CostColumns
from autopeft.samplers.features import Features
from autopeft.samplers.history import History, read_history
from autopeft.samplers.points import AffordablePoints, Cost, Point
from autopeft.samplers.start import space_filling
from autopeft.space import BoundSpace

__all__ = ["STARTUP_TRIALS", "ParetoSampler", "exhausted"]

#: Proposals before the model is asked.
STARTUP_TRIALS = 8


class ParetoSampler(BaseSampler):
    """Propose configurations whose measurement promises the largest growth of the front.

    A Gaussian process models accuracy alone; cost is the known function it is, and enters the acquisition
    (qLogNEHVI over log-cost and accuracy; Daulton et al. 2021, Ament et al. 2023) as such. No configuration
    is proposed twice, none costs more than the limit, and trials at work are taken into account. A proposal
    depends on the seed, the trial's number and the study's trials alone, so a resumed study goes on as it
    would have.

    The study's objectives are the costs, minimised, and then accuracy, maximised. Trials that carry their
    configuration in the user attribute `configuration` may lie outside the space.

    Args:
        space: The space, bound to a backbone.
        cost: The exact cost of a configuration.
        limit: The highest cost allowed, inclusive.
        seed: Seed of everything random.
        startup_trials: Proposals of the space-filling design before the model is asked.
        costs: The costs that are objectives; when left out, `cost` is the only one. Each that only trials tell gets
            a model of its own.

    Raises:
        BudgetError: When no configuration of the space fits the limit.
    """

    def __init__(
        self,
        space: BoundSpace,
        cost: Cost,
        limit: int,
        *,
        seed: int = 0,
        startup_trials: int = STARTUP_TRIALS,
        costs: Sequence[CostAxis] = (),
    ) -> None:
        self._points = AffordablePoints(space, cost, limit)
        self._features = Features(self._points)
        self._axes = costs or [CostAxis("params", self._points.cheapest.cost, limit, cost)]
        self._columns = CostColumns(self._axes)
        self._seed = seed
        self._startup_trials = startup_trials

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return all parameters of the space: a point is proposed whole."""
        return dict(self._points.space.distributions())

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Propose a new point within the budget.

        Raises:
            ExhaustedSpaceError: When there is none left.
        """
        history = read_history(study, trial, self._points, len(self._axes))
        rng = np.random.default_rng((self._seed, trial.number))
        point = self._propose(history, rng)
        if point is None:
            point = self._points.new_near(self._points.draw(rng), history.seen, rng)
        if point is None:
            raise exhausted(self._points)
        return dict(point.params)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw a parameter that the space does not have at random."""
        seed = zlib.crc32(f"{self._seed}/{trial.number}/{param_name}".encode())
        return RandomSampler(seed=seed).sample_independent(study, trial, param_name, param_distribution)

    def _propose(self, history: History, rng: np.random.Generator) -> Point | None:
        told = {o.accuracy for o in history.observations if not o.failed and self._points.affordable(o.point)}
        if history.proposals < self._startup_trials or len(told) < 2:
            others = [*(observation.point for observation in history.observations), *history.pending]
            return space_filling(self._points, self._features, history.proposals, others, history.seen, rng)
        # BoTorch takes seconds to import and is not needed before.
        from autopeft.samplers.proposal import propose

        return propose(history, self._points, self._features, self._axes, self._columns, rng)


def exhausted(points: AffordablePoints) -> ExhaustedSpaceError:
    """Return the error that says that nothing new is left."""
    return ExhaustedSpaceError(
        f"every configuration of the space {points.space.name!r} that fits the budget of {points.limit:,} "
        "trainable parameters has been proposed; expected at least one new; "
        "widen the space or raise the budget to go on"
    )
