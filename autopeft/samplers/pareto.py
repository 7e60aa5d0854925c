"""The sampler of autopeft: Bayesian optimisation of a front under a hard budget."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from autopeft.errors import AutopeftError, ExhaustedSpaceError
from autopeft.samplers.alternatives import untried_alternative
from autopeft.samplers.axes import CostAxis, CostColumns
from autopeft.samplers.chance import plain_chance
from autopeft.samplers.earlier import EarlierTrial, observed
from autopeft.samplers.features import Features
from autopeft.samplers.history import History, HistoryReader, Observation
from autopeft.samplers.own_trials import own_trials
from autopeft.samplers.plain_knobs import PlainKnobs
from autopeft.samplers.points import AffordablePoints, Cost, Point
from autopeft.samplers.start import space_filling
from autopeft.space import BoundSpace, Configuration

if TYPE_CHECKING:
    from autopeft.samplers.expectation import Expectation
    from autopeft.samplers.kernels import Kernels

__all__ = ["ParetoSampler", "exhausted"]

#: Proposals before the model is asked.
_STARTUP_TRIALS = 4

#: Of so many proposals one is free while some method of a choice is untried; the others go to such methods.
_TURNS = 3


class _Priced(NamedTuple):
    """A space whose costs are known, within a budget."""

    points: AffordablePoints
    features: Features
    columns: CostColumns
    earlier: Sequence[Observation]
    start: Sequence[Point]
    reader: HistoryReader


class ParetoSampler(BaseSampler):
    """Propose configurations whose measurement promises the largest growth of the front.

    A Gaussian process models accuracy alone; cost is the known function it is, so the expected growth of the
    front's hypervolume over log-cost and accuracy has a closed form. No configuration is proposed twice, none costs
    more than the limit, and trials at work are taken into account. A proposal follows from the seed and from what the
    study's trials are and told, not from their numbers or their order, so a resumed study goes on as it would have.

    The study's objectives are the costs, minimised, and then accuracy, maximised. Trials that carry their
    configuration in the user attribute `configuration` may lie outside the space.

    Without a space, cost and limit it is a sampler like Optuna's own: for any objectives, over the parameters that
    all trials of the study have in common, with neither budget nor ban on repeats.

    Args:
        space: The space, bound to a backbone.
        cost: The exact cost of a configuration.
        limit: The highest cost allowed, inclusive.
        seed: Seed of everything random.
        startup_trials: Proposals of the space-filling design before the model is asked.
        costs: The costs that are objectives; when left out, `cost` is the only one. Each that only trials tell gets
            a model of its own.
        earlier: Trials of an earlier study to begin from; those that the space lacks are left out. How far they are
            heeded depends on how well they agree with this study.
        begin_with: What is proposed first, in this order; what the space lacks or the limit forbids is left out.

    Raises:
        BudgetError: When no configuration of the space fits the limit.
        AutopeftError: When only some of space, cost and limit are given.
    """

    def __init__(
        self,
        space: BoundSpace | None = None,
        cost: Cost | None = None,
        limit: int | None = None,
        *,
        seed: int = 0,
        startup_trials: int = _STARTUP_TRIALS,
        costs: Sequence[CostAxis] = (),
        earlier: Sequence[EarlierTrial] = (),
        begin_with: Sequence[Configuration] = (),
    ) -> None:
        self._space: _Priced | None = None
        if space is not None and cost is not None and limit is not None:
            points = AffordablePoints(space, cost, limit)
            axes = costs or [CostAxis("params", points.cheapest.cost, limit, cost)]
            start = [points.point(space.encode(each)) for each in begin_with if space.contains(each)]
            self._space = _Priced(
                points,
                Features(points),
                CostColumns(axes),
                observed(earlier, points),
                [point for point in start if points.affordable(point)],
                HistoryReader(points, len(axes)),
            )
        elif not (space is None and cost is None and limit is None):
            raise AutopeftError(
                "ParetoSampler got only some of space, cost and limit; expected all three, "
                "or none for a sampler of any Optuna study"
            )
        self._seed = seed
        self._startup_trials = startup_trials

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return all parameters of the space: a point is proposed whole."""
        if self._space is not None:
            return dict(self._space.points.space.distributions())
        common = IntersectionSearchSpace().calculate(study)
        return {name: distribution for name, distribution in common.items() if not distribution.single()}

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Propose a point: a new one within the budget, where there is a space.

        Raises:
            ExhaustedSpaceError: When there is none left.
        """
        if self._space is None:
            return self._propose_plain(study, trial, search_space)
        points = self._space.points
        history = self._space.reader.read(study, trial)
        rng = history.chance(self._seed)
        point = self._propose(history, self._space, rng)
        if point is None:
            point = points.new_near(points.draw(rng), history.seen, rng)
        if point is None:
            raise exhausted(points)
        return dict(point.params)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw a parameter that the space does not have at random."""
        if self._space is None:
            rng = plain_chance(self._seed, study, trial, param_name)
        else:
            rng = self._space.reader.read(study, trial).chance(self._seed, param_name)
        random = RandomSampler(seed=int(rng.integers(2**31)))
        return random.sample_independent(study, trial, param_name, param_distribution)

    def _propose(self, history: History, space: _Priced, rng: np.random.Generator) -> Point | None:
        points, features, columns, start = space.points, space.features, space.columns, space.start
        ahead = [point for point in start if point.text not in history.seen]
        if len(ahead) > history.undecided:
            # Others that were asked before this one, and have no point yet, take those before it.
            return ahead[history.undecided]
        others = [*(observation.point for observation in history.observations), *history.pending]
        if history.proposals % _TURNS:
            first = untried_alternative(points, others, history.undecided, history.seen, rng)
            if first is not None:
                return first
        if history.proposals < self._startup_trials or not _apart(history, points):
            promise = None if self._expectation is None else self._expectation.promise
            return space_filling(points, features, history.proposals, others, history.seen, rng, promise)
        # BoTorch takes seconds to import and is not needed before.
        from autopeft.samplers.proposal import propose

        return propose(history, points, features, columns, self._expectation, self._kernels, rng)

    @cached_property
    def _kernels(self) -> Kernels:
        from autopeft.samplers.kernels import Kernels

        return Kernels()

    @cached_property
    def _expectation(self) -> Expectation | None:
        if self._space is None or len({each.accuracy for each in self._space.earlier if not each.failed}) < 2:
            return None
        from autopeft.samplers.expectation import Expectation

        return Expectation(self._space.earlier, self._space.features, self._space.columns)

    def _propose_plain(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        if not search_space:
            return {}
        rng = plain_chance(self._seed, study, trial)
        knobs = PlainKnobs(search_space)
        params = None
        if len(own_trials(study, (TrialState.COMPLETE,))) >= self._startup_trials:
            from autopeft.samplers.plain import propose_plain

            params = propose_plain(study, trial, knobs, list(search_space), rng)
        return knobs.draw(rng) if params is None else params


def _apart(history: History, points: AffordablePoints) -> bool:
    """Tell whether two accuracies within the budget differ, without which there is nothing to model."""
    told = (o.accuracy for o in history.observations if not o.failed and points.affordable(o.point))
    first = next(told, None)
    return any(accuracy != first for accuracy in told)


def exhausted(points: AffordablePoints) -> ExhaustedSpaceError:
    """Return the error that says that nothing new is left."""
    return ExhaustedSpaceError(
        f"every configuration of the space {points.space.name!r} that fits the budget of {points.limit:,} "
        "trainable parameters has been proposed; expected at least one new; "
        "widen the space or raise the budget to go on"
    )
