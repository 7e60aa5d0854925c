"""What a study has seen so far, as a sampler reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autopeft.errors import AutopeftError
from autopeft.samplers.chance import chance, params_of
from autopeft.samplers.ended import OfEnded
from autopeft.samplers.forecast import Forecasts, Standing, finished_runs, standing_of
from autopeft.samplers.own_trials import own_trials
from autopeft.samplers.points import AffordablePoints, Point
from autopeft.space import Configuration

__all__ = ["COSTS", "History", "HistoryReader", "Observation", "point_of", "read_history"]

#: The user attribute of a told trial that holds its costs in the order of the objectives, stopped trials included.
COSTS = "costs"


@dataclass(frozen=True)
class Observation:
    """A trial at a point of the space that has ended.

    Args:
        point: The point.
        accuracy: The accuracy told; the metric's worst value when the trial failed, the expected one when it was
            stopped early.
        failed: Whether the configuration ran out of memory, diverged or timed out.
        costs: Its costs that are objectives, in their order.
        settled: Whether that is what it reached, and not what is expected by now.
    """

    point: Point
    accuracy: float
    failed: bool
    costs: Sequence[float]
    settled: bool = True


@dataclass(frozen=True)
class History:
    """The trials of a study before the one that is asked for, as they are whatever their numbers and their order.

    Args:
        seen: Texts of all configurations ever proposed, queued or given, in the space or not.
        observations: Ended trials at points of the space, by cost.
        pending: Points at work or in line, by cost.
        proposals: Number of points of the space that were tried, in whatever state, baselines aside.
        undecided: Trials that began before the one asked for and have no configuration yet.
        reference: Accuracy of the head-only baseline; the worst accuracy seen while that has not finished;
            None while nothing has.
    """

    seen: frozenset[str]
    observations: tuple[Observation, ...]
    pending: tuple[Point, ...]
    proposals: int
    undecided: int
    reference: float | None

    def chance(self, seed: int, purpose: str = "") -> np.random.Generator:
        """Return the source of chance of a proposal, see `autopeft.samplers.chance`."""
        return chance(seed, self.seen, self.undecided, purpose)


class HistoryReader:
    """Reads what a study knows; of trials that have ended it remembers what it has read.

    Args:
        points: The points of the study's space.
        costs: How many costs are objectives.
    """

    def __init__(self, points: AffordablePoints, costs: int = 1) -> None:
        self._points = points
        self._wanted = [*[StudyDirection.MINIMIZE] * costs, StudyDirection.MAXIMIZE]
        self._facts = OfEnded(self._facts_of)

    def read(self, study: optuna.Study, trial: FrozenTrial) -> History:
        """Read what a study knows, apart from the trial that is asked for.

        Args:
            study: A study of (costs minimised, accuracy maximised). Its trials may say what they are by the user
                attributes `configuration` (plain data) and `baseline`, or by their parameters alone.
            trial: The trial that is asked for.

        Raises:
            AutopeftError: When the study has other objectives.
        """
        self._check(study)
        others = [other for other in own_trials(study) if other.number != trial.number]
        found = [(other, self._facts(other)) for other in others]
        told = [facts.told for _, facts in found if facts.told is not None]
        stopped = [(facts, facts.standing) for _, facts in found if facts.standing is not None]
        # In an order of their own, since sums depend on it in their last digit.
        finished = sorted(finished_runs(others), key=lambda run: (run.cost, run.accuracy))
        means = Forecasts(finished).means([standing for _, standing in stopped])
        told += [
            Observation(facts.point, mean, failed=False, costs=facts.paid, settled=False)
            for (facts, _), mean in zip(stopped, means, strict=True)
            if mean is not None and facts.point is not None
        ]
        at_work = (TrialState.RUNNING, TrialState.WAITING)
        pending = [facts.point for other, facts in found if facts.point is not None and other.state in at_work]
        undecided = [other for other, facts in found if facts.text is None and other.state == TrialState.RUNNING]
        accuracies = [facts.accuracy for _, facts in found if facts.accuracy is not None]
        head_only = [facts.accuracy for _, facts in found if facts.head_only]
        return History(
            seen=frozenset(facts.text for _, facts in found if facts.text is not None),
            observations=tuple(sorted(told, key=lambda each: (*_rank(each.point), each.accuracy))),
            pending=tuple(sorted(pending, key=_rank)),
            proposals=len({facts.text for _, facts in found if facts.proposed}),
            undecided=sum(other.number < trial.number for other in undecided),
            reference=head_only[-1] if head_only else min(accuracies, default=None),
        )

    def _check(self, study: optuna.Study) -> None:
        if study.directions != self._wanted:
            found = ", ".join(direction.name.lower() for direction in study.directions)
            words = [direction.name.lower() for direction in self._wanted]
            raise AutopeftError(
                f"the study's objectives are ({found}); expected ({', '.join(words)}), accuracy last: "
                f"create it with directions={words}"
            )

    def _facts_of(self, trial: FrozenTrial) -> _Facts:
        point, attrs = point_of(trial, self._points), trial.user_attrs
        text = None if point is None else point.text
        if text is None and "configuration" in attrs:
            text = Configuration.from_dict(attrs["configuration"]).text
        baseline = attrs.get("baseline")
        facts = _Facts(point, text, proposed=point is not None and baseline is None)
        if trial.state == TrialState.COMPLETE:
            *paid, accuracy = trial.values
            failed = _failed(trial, None if point is None else point.cost, self._points.limit)
            told = None if point is None else Observation(point, accuracy, failed, paid)
            reached = None if failed else accuracy
            head_only = baseline == "head-only" and not failed
            return replace(facts, told=told, accuracy=reached, head_only=head_only)
        curve = attrs.get("outcome", {}).get("curve")
        if trial.state == TrialState.PRUNED and point is not None and curve:
            return replace(facts, standing=standing_of(curve), paid=attrs.get(COSTS, [point.cost]))
        return facts


@dataclass(frozen=True)
class _Facts:
    """What is read of one trial.

    Args:
        point: Where it stands; None outside the space, or while that is not known.
        text: That of its configuration; None while that is not known.
        proposed: Whether it was proposed, or could have been.
        told: What it tells when it has run to its end.
        accuracy: What it reached then; None where it failed.
        head_only: Whether it is the head-only baseline and reached something.
        standing: Where it stood when it was stopped early.
        paid: Its costs then.
    """

    point: Point | None
    text: str | None
    proposed: bool
    told: Observation | None = None
    accuracy: float | None = None
    head_only: bool = False
    standing: Standing | None = None
    paid: Sequence[float] = ()


def read_history(study: optuna.Study, trial: FrozenTrial, points: AffordablePoints, costs: int = 1) -> History:
    """Read what a study knows once, see `HistoryReader`."""
    return HistoryReader(points, costs).read(study, trial)


def point_of(trial: FrozenTrial, points: AffordablePoints) -> Point | None:
    """Return the point of the space a trial stands at, or None when it lies outside or is not known yet."""
    space = points.space
    params: Mapping[str, Any] = params_of(trial)
    if any(parameter.name not in params for parameter in space.parameters):
        given = trial.user_attrs.get("configuration")
        if given is None:
            return None
        configuration = Configuration.from_dict(given)
        if not space.contains(configuration):
            return None
        params = space.encode(configuration)
    return points.point(params)


def _rank(point: Point) -> tuple[int, str]:
    return point.cost, point.text


def _failed(trial: FrozenTrial, params: int | None, limit: int) -> bool:
    """Tell a failure from a baseline that is merely over the budget: both carry a positive constraint."""
    if all(value <= 0 for value in trial.constraints.values()):
        return False
    status = trial.user_attrs.get("outcome", {}).get("status", "complete")
    return (trial.values[0] if params is None else params) <= limit or status != "complete"
