"""What a study has seen so far, as a sampler reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autopeft.errors import AutopeftError
from autopeft.samplers.chance import chance, params_of
from autopeft.samplers.forecast import Finished, finished_runs, forecast
from autopeft.samplers.own_trials import own_trials
from autopeft.samplers.points import AffordablePoints, Point
from autopeft.space import Configuration

__all__ = ["COSTS", "History", "Observation", "expected_accuracy", "point_of", "read_history"]

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
    """

    point: Point
    accuracy: float
    failed: bool
    costs: Sequence[float]


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


def read_history(study: optuna.Study, trial: FrozenTrial, points: AffordablePoints, costs: int = 1) -> History:
    """Read what a study knows, apart from the trial that is asked for.

    Args:
        study: A study of (costs minimised, accuracy maximised). Its trials may say what they are by the user
            attributes `configuration` (plain data) and `baseline`, or by their parameters alone.
        trial: The trial that is asked for.
        points: The points of the study's space.
        costs: How many costs are objectives.

    Raises:
        AutopeftError: When the study has other objectives.
    """
    wanted = [*[StudyDirection.MINIMIZE] * costs, StudyDirection.MAXIMIZE]
    if study.directions != wanted:
        found = ", ".join(direction.name.lower() for direction in study.directions)
        words = [direction.name.lower() for direction in wanted]
        raise AutopeftError(
            f"the study's objectives are ({found}); expected ({', '.join(words)}), accuracy last: "
            f"create it with directions={words}"
        )
    seen: set[str] = set()
    observations: list[Observation] = []
    pending: list[Point] = []
    accuracies: list[float] = []
    head_only: float | None = None
    proposals: set[str] = set()
    undecided = 0
    others = [other for other in own_trials(study) if other.number != trial.number]
    # In an order of their own, since sums depend on it in their last digit.
    finished = sorted(finished_runs(others), key=lambda run: (run.cost, run.accuracy))
    for other in others:
        point = point_of(other, points)
        if point is not None:
            seen.add(point.text)
            if other.user_attrs.get("baseline") is None:
                proposals.add(point.text)
        elif "configuration" in other.user_attrs:
            seen.add(Configuration.from_dict(other.user_attrs["configuration"]).text)
        elif other.state == TrialState.RUNNING:
            undecided += other.number < trial.number
        if other.state == TrialState.COMPLETE:
            *paid, accuracy = other.values
            failed = _failed(other, None if point is None else point.cost, points.limit)
            if not failed:
                accuracies.append(accuracy)
            if other.user_attrs.get("baseline") == "head-only" and not failed:
                head_only = accuracy
            if point is not None:
                observations.append(Observation(point, accuracy, failed, paid))
        elif other.state == TrialState.PRUNED and point is not None:
            expected = expected_accuracy(other, finished)
            if expected is not None:
                paid = other.user_attrs.get(COSTS, [point.cost])
                observations.append(Observation(point, expected, failed=False, costs=paid))
        elif other.state in (TrialState.RUNNING, TrialState.WAITING) and point is not None:
            pending.append(point)
    return History(
        seen=frozenset(seen),
        observations=tuple(sorted(observations, key=lambda each: (*_rank(each.point), each.accuracy))),
        pending=tuple(sorted(pending, key=_rank)),
        proposals=len(proposals),
        undecided=undecided,
        reference=min(accuracies, default=None) if head_only is None else head_only,
    )


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


def expected_accuracy(stopped: FrozenTrial, finished: Sequence[Finished]) -> float | None:
    """Return the accuracy a stopped trial would have ended with, as the finished ones tell by now."""
    curve = stopped.user_attrs.get("outcome", {}).get("curve")
    if not curve:
        return None
    expected = forecast(finished, curve)
    return None if expected is None else expected.mean


def _failed(trial: FrozenTrial, params: int | None, limit: int) -> bool:
    """Tell a failure from a baseline that is merely over the budget: both carry a positive constraint."""
    if all(value <= 0 for value in trial.constraints.values()):
        return False
    status = trial.user_attrs.get("outcome", {}).get("status", "complete")
    return (trial.values[0] if params is None else params) <= limit or status != "complete"
