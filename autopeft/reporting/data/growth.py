"""How the front grew with the compute spent."""

from __future__ import annotations

from dataclasses import dataclass

from autopeft.reporting.chart import Absent
from autopeft.reporting.run import ReportedTrial, Run
from autopeft.study import head_only_accuracy

__all__ = ["Growth", "hypervolume_growth"]


@dataclass(frozen=True)
class Growth:
    """The front after one more trial had ended.

    Args:
        trial: The trial.
        steps: Training steps of all trials so far.
        seconds: Seconds of all trials so far, whatever ran at once.
        hypervolume: The front's score; see `autopeft.samplers.hypervolume`.
    """

    trial: ReportedTrial
    steps: int
    seconds: float
    hypervolume: float


def hypervolume_growth(run: Run) -> tuple[Growth, ...] | Absent:
    """Return how the hypervolume grew, trial by trial in the order in which they ended."""
    reference = head_only_accuracy(run.result.study)
    if reference is None:
        return Absent("the baseline without adapters has not finished, against which fronts are scored")
    costs: list[list[float]] = []
    accuracies: list[float] = []
    grown: list[Growth] = []
    steps, seconds, score = 0, 0.0, 0.0
    for trial in sorted(run.trials, key=lambda each: each.ended):
        steps += int(trial.curve[-1]["step"]) if trial.curve else 0
        seconds += trial.seconds or 0.0
        if trial.accuracy is not None and trial.standing != "over-budget":
            costs.append(list(trial.costs.values()))
            accuracies.append(trial.accuracy)
            score = run.result.scale.score(costs, accuracies, reference)
        grown.append(Growth(trial, steps, seconds, score))
    return tuple(grown)
