"""Samplers by name. A new one is registered here, in one line."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler

from autopeft.errors import AutopeftError
from autopeft.samplers.axes import CostAxis
from autopeft.samplers.earlier import EarlierTrial
from autopeft.samplers.feasible import FeasibleSampler
from autopeft.samplers.pareto import ParetoSampler
from autopeft.samplers.points import Cost
from autopeft.space import BoundSpace, Configuration

__all__ = ["SAMPLERS", "make_sampler"]

#: A search has dozens of trials: with Optuna's default of 50, NSGA-II would never leave its first generation.
_POPULATION = 8

#: Random trials before TPE and GP ask their models, instead of 10 and more: a search has dozens.
_STARTUP_TRIALS = 8


def make_sampler(
    name: str,
    space: BoundSpace,
    cost: Cost,
    limit: int,
    *,
    seed: int = 0,
    costs: Sequence[CostAxis] = (),
    earlier: Sequence[EarlierTrial] = (),
    begin_with: Sequence[Configuration] = (),
) -> BaseSampler:
    """Make a sampler that proposes only new configurations within a budget.

    Args:
        name: One of `SAMPLERS`.
        space: The space, bound to a backbone.
        cost: The exact cost of a configuration.
        limit: The highest cost allowed, inclusive.
        seed: Seed of everything random.
        costs: The costs that are objectives; when left out, `cost` is the only one.
        earlier: Trials of an earlier study to begin from; `pareto` alone can.
        begin_with: What to propose first, where the space and the limit allow it; `pareto` alone does.

    Raises:
        AutopeftError: When there is no sampler of that name, or it cannot begin from earlier trials.
        BudgetError: When no configuration of the space fits the limit.
    """
    if name not in SAMPLERS:
        near = difflib.get_close_matches(name, SAMPLERS, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise AutopeftError(f"unknown sampler {name!r}; expected one of {', '.join(SAMPLERS)}{hint}")
    if earlier and name != "pareto":
        raise AutopeftError(f"the sampler {name!r} cannot begin from an earlier search; expected 'pareto'")
    options = {"earlier": earlier, "begin_with": begin_with} if name == "pareto" else {}
    return SAMPLERS[name](space, cost, limit, seed=seed, costs=costs, **options)


def _wrapped(make: Callable[[int], BaseSampler], draws: int) -> Callable[..., BaseSampler]:
    def build(space: BoundSpace, cost: Cost, limit: int, **options: Any) -> BaseSampler:
        return FeasibleSampler(make, space, cost, limit, draws=draws, **options)

    return build


def _tpe(seed: int) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(
            seed=seed,
            n_startup_trials=_STARTUP_TRIALS,
            multivariate=True,
            group=True,
            constant_liar=True,
        )


def _nsga2(seed: int) -> BaseSampler:
    return NSGAIISampler(seed=seed, population_size=_POPULATION)


def _gp(seed: int) -> BaseSampler:
    return GPSampler(seed=seed, n_startup_trials=_STARTUP_TRIALS)


#: Each sampler's name and how to make it from (space, cost, limit, seed=..., costs=...). GP takes a second a draw and
#: hardly varies between draws, so it is asked once.
SAMPLERS: dict[str, Callable[..., BaseSampler]] = {
    "pareto": ParetoSampler,
    "random": _wrapped(lambda seed: RandomSampler(seed=seed), draws=32),
    "tpe": _wrapped(_tpe, draws=16),
    "nsga2": _wrapped(_nsga2, draws=16),
    "gp": _wrapped(_gp, draws=1),
}
