"""The trials of an earlier study, as a later one may begin from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import TrialState

from autopeft.samplers.forecast import Forecasts, finished_runs
from autopeft.samplers.history import Observation
from autopeft.samplers.own_trials import own_trials
from autopeft.samplers.points import AffordablePoints
from autopeft.space import BoundSpace, Configuration

__all__ = ["EarlierTrial", "earlier_trials", "observed", "within"]


@dataclass(frozen=True)
class EarlierTrial:
    """A trial of an earlier study, on whatever task and backbone.

    Args:
        configuration: What was trained.
        accuracy: What it reached; what it would have, when it was stopped early.
        failed: Whether it ran out of memory, diverged or timed out.
    """

    configuration: Configuration
    accuracy: float
    failed: bool


def earlier_trials(study: optuna.Study) -> list[EarlierTrial]:
    """Return the trials of a study that have ended with something to tell."""
    trials = own_trials(study)
    forecasts = Forecasts(finished_runs(trials))
    found = []
    for trial in trials:
        accuracy = None
        if trial.state == TrialState.COMPLETE:
            accuracy = trial.values[-1]
        elif trial.state == TrialState.PRUNED:
            curve = trial.user_attrs.get("outcome", {}).get("curve")
            expected = forecasts.of(curve) if curve else None
            accuracy = None if expected is None else expected.mean
        if accuracy is not None and "configuration" in trial.user_attrs:
            failed = trial.user_attrs.get("outcome", {}).get("status") not in ("complete", "stopped")
            configuration = Configuration.from_dict(trial.user_attrs["configuration"])
            found.append(EarlierTrial(configuration, accuracy, failed))
    return found


def within(space: BoundSpace, trials: Sequence[EarlierTrial]) -> list[EarlierTrial]:
    """Return the trials whose configurations are in a space."""
    return [trial for trial in trials if space.contains(trial.configuration)]


def observed(trials: Sequence[EarlierTrial], points: AffordablePoints) -> list[Observation]:
    """Return those trials that are at points of a space, by cost."""
    placed = [(points.point(points.space.encode(each.configuration)), each) for each in within(points.space, trials)]
    ranked = sorted(placed, key=lambda pair: (pair[0].cost, pair[0].text, pair[1].accuracy))
    return [Observation(point, trial.accuracy, trial.failed, ()) for point, trial in ranked]
