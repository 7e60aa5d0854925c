"""Optuna's samplers, held to the budget and to new configurations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from autopeft.samplers.axes import CostAxis
from autopeft.samplers.history import HistoryReader
from autopeft.samplers.own_trials import is_own
from autopeft.samplers.pareto import exhausted
from autopeft.samplers.points import AffordablePoints, Cost, Params
from autopeft.samplers.view import StudyView
from autopeft.space import BoundSpace

__all__ = ["FeasibleSampler"]


class FeasibleSampler(BaseSampler):
    """Ask another sampler until its proposal is new and within the budget, and mend what it cannot get right.

    Optuna's samplers know neither a budget nor duplicates. A draw that is over the budget or known is drawn
    again; the last one is repaired: walked towards the cheapest configuration until it fits, then to the
    nearest new one. Only the point accepted enters the study.

    The other sampler is made anew for each trial, with a seed that follows from what was proposed before, so that it
    keeps nothing that a resumed study would lack; what it must remember (NSGA-II its generations) is in the study.

    Args:
        make: Makes the other sampler from a seed.
        space: The space, bound to a backbone.
        cost: The exact cost of a configuration.
        limit: The highest cost allowed, inclusive.
        seed: Seed of everything random.
        draws: How often the other sampler is asked before its proposal is repaired.
        costs: The costs that are objectives; when left out, `cost` is the only one.

    Raises:
        BudgetError: When no configuration of the space fits the limit.
    """

    def __init__(
        self,
        make: Callable[[int], BaseSampler],
        space: BoundSpace,
        cost: Cost,
        limit: int,
        *,
        seed: int = 0,
        draws: int = 16,
        costs: Sequence[CostAxis] = (),
    ) -> None:
        self._make = make
        self._points = AffordablePoints(space, cost, limit)
        self._seed = seed
        self._draws = draws
        self._reader = HistoryReader(self._points, max(len(costs), 1))

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
        history = self._reader.read(study, trial)
        seen, rng = history.seen, history.chance(self._seed)
        inner = self._make(int(rng.integers(2**31)))
        view = cast(Study, StudyView(study, lambda other: is_own(other) and search_space.keys() <= other.params.keys()))
        for _ in range(self._draws):
            point = self._points.point(_ask(inner, view, trial, search_space))
            if self._points.affordable(point) and point.text not in seen:
                return dict(point.params)
        repaired = self._points.new_near(point, seen, rng)
        if repaired is None:
            raise exhausted(self._points)
        return dict(repaired.params)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Let the other sampler draw a parameter that the space does not have."""
        rng = self._reader.read(study, trial).chance(self._seed, param_name)
        inner = self._make(int(rng.integers(2**31)))
        return inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Let the other sampler take note of a finished trial."""
        self._make(self._seed).after_trial(study, trial, state, values)


def _ask(sampler: BaseSampler, study: Study, trial: FrozenTrial, distributions: dict[str, BaseDistribution]) -> Params:
    relative = sampler.sample_relative(study, trial, sampler.infer_relative_search_space(study, trial))
    return {
        name: relative[name] if name in relative else sampler.sample_independent(study, trial, name, distribution)
        for name, distribution in distributions.items()
    }
