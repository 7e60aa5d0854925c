"""Which trials need not be finished: those that will neither count on the front nor be picked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from autopeft.samplers import Finished, accuracy_to_grow, finished_runs, forecast, own_trials
from autopeft.study.front import Scale, head_only_accuracy

__all__ = ["CONFIDENCE", "GROWTH", "chance_of_growth", "out_of_reach", "worth_finishing"]

#: A trial is stopped only when it adds nothing that counts to the front with at least this probability.
CONFIDENCE = 0.9

#: Nor is it stopped where people may pick it with this probability.
_PICKED = 0.15

#: Half a point below the best is nearly as good.
_NEAR = 0.005

#: What counts: more than this share of what each trial so far has added to the front's hypervolume on average.
GROWTH = 0.5


def chance_of_growth(
    finished: Sequence[Finished],
    stopped: int,
    cost: float,
    curve: Sequence[Mapping[str, float]],
    *,
    limit: float,
    reference: float,
    cheapest: float,
    growth: float = GROWTH,
) -> float:
    """Return the probability that a trial, once finished, adds to the front what counts.

    It competes with the finished trials of equal or lower cost, and must end above the best of them by enough to
    count. Where it will end is forecast from the finished trials of any cost.

    Args:
        finished: The finished trials.
        stopped: Number of trials stopped so far.
        cost: The trial's cost.
        curve: What it has measured so far, at least one point.
        limit: The budget; see `autopeft.samplers.hypervolume`.
        reference: Accuracy that scores nothing, likewise.
        cheapest: Stands in for a cost of 0, likewise.
        growth: What counts, as a share of the hypervolume per trial.

    Returns:
        The probability; 1 while nothing competes with it or too little is known.
    """
    expected = forecast(finished, curve)
    if expected is None or all(run.cost > cost for run in finished):
        return 1.0
    scale = {"limit": limit, "reference": reference, "cheapest": cheapest}
    return expected.chance_above(_to_count(finished, stopped, cost, growth, scale))


def worth_finishing(
    finished: Sequence[Finished],
    stopped: int,
    cost: float,
    curve: Sequence[Mapping[str, float]],
    *,
    limit: float,
    reference: float,
    cheapest: float,
    growth: float = GROWTH,
    confidence: float = CONFIDENCE,
) -> bool:
    """Tell whether a trial may yet add to the front what counts, or be what people pick.

    They pick the best within the budget, or what is nearly as good for less than any other. The front's growth says
    little of that: over decades of cost a point more at the dear end is next to nothing.

    Args are those of `chance_of_growth`, and `confidence`: how sure it is that a trial adds nothing that counts when it
    is stopped.
    """
    expected = forecast(finished, curve)
    if expected is None or all(run.cost > cost for run in finished):
        return True
    scale = {"limit": limit, "reference": reference, "cheapest": cheapest}
    return (
        expected.chance_above(_to_count(finished, stopped, cost, growth, scale)) >= 1 - confidence
        or expected.chance_above(_to_be_picked(finished, cost, limit)) >= _PICKED
    )


def _to_count(
    finished: Sequence[Finished], stopped: int, cost: float, growth: float, scale: Mapping[str, float]
) -> float:
    """Return the accuracy above which a trial adds to the front what counts."""
    costs, accuracies = [run.cost for run in finished], [run.accuracy for run in finished]
    return accuracy_to_grow(costs, accuracies, cost, growth / (len(finished) + stopped), **scale)


def _to_be_picked(finished: Sequence[Finished], cost: float, limit: float) -> float:
    """Return the accuracy above which people may pick a trial: that of the best, or nearly that where it is cheaper."""
    rivals = [run for run in finished if run.cost <= limit]
    best = max((run.accuracy for run in rivals), default=-math.inf)
    near = min((run.cost for run in rivals if run.accuracy >= best - _NEAR), default=math.inf)
    return best if cost >= near else best - _NEAR


def chance_of_entering(
    trials: Sequence[FrozenTrial], costs: Sequence[float], curve: Sequence[Mapping[str, float]]
) -> float:
    """Return the probability that a trial of several costs will not be dominated once finished.

    Args:
        trials: The study's trials.
        costs: The trial's costs that are objectives.
        curve: What it has measured so far, at least one point.

    Returns:
        The probability; 1 while nothing competes with it or too little is known.
    """
    expected = forecast(finished_runs(trials), curve)
    rivals = [
        trial.values[-1]
        for trial in trials
        if trial.state == TrialState.COMPLETE
        and all(theirs <= ours for theirs, ours in zip(trial.values[:-1], costs, strict=True))
    ]
    return 1.0 if expected is None or not rivals else expected.chance_above(max(rivals))


def out_of_reach(study: optuna.Study, costs: Sequence[float], curve: Sequence[Mapping[str, float]]) -> bool:
    """Tell whether a trial is not worth finishing.

    Where costs are several, what counts is to enter the front at all.

    Args:
        study: The study, its scale recorded.
        costs: The trial's costs that are objectives.
        curve: What it has reported so far, at least one point.
    """
    reference = head_only_accuracy(study)
    if reference is None:
        return False
    ranges = list(Scale.recorded(study).costs.values())
    trials = own_trials(study)
    if len(ranges) > 1:
        return chance_of_entering(trials, costs, curve) < 1 - CONFIDENCE
    [(cheapest, limit)], [cost] = ranges, costs
    return not worth_finishing(
        finished_runs(trials),
        sum(trial.state == TrialState.PRUNED for trial in trials),
        cost,
        curve,
        limit=limit,
        reference=reference,
        cheapest=cheapest,
    )
