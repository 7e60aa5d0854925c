"""Which trials need not be finished: those whose competitors are out of reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import optuna

from autopeft.samplers import Finished, accuracy_to_grow, finished_runs, forecast
from autopeft.study.front import Scale, head_only_accuracy

__all__ = ["CONFIDENCE", "GROWTH", "chance_of_growth", "out_of_reach"]

#: A trial is stopped only when it adds nothing that counts to the front with at least this probability.
CONFIDENCE = 0.8

#: What counts: to let the front's hypervolume grow by more than this share.
GROWTH = 0.005


def chance_of_growth(
    finished: Sequence[Finished],
    cost: float,
    curve: Sequence[Mapping[str, float]],
    *,
    limit: float,
    reference: float,
    cheapest: float,
    growth: float = GROWTH,
) -> float:
    """Return the probability that a trial, once finished, makes the front grow by more than a share.

    It competes with the finished trials of equal or lower cost, and must end above the best of them by enough to
    count. Where it will end is forecast from the finished trials of any cost.

    Args:
        finished: The finished trials.
        cost: The trial's cost.
        curve: What it has measured so far, at least one point.
        limit: The budget; see `autopeft.samplers.hypervolume`.
        reference: Accuracy that scores nothing, likewise.
        cheapest: Stands in for a cost of 0, likewise.
        growth: Share of the front's hypervolume.

    Returns:
        The probability; 1 while nothing competes with it or too little is known.
    """
    expected = forecast(finished, curve)
    if expected is None or all(run.cost > cost for run in finished):
        return 1.0
    needed = accuracy_to_grow(
        [run.cost for run in finished],
        [run.accuracy for run in finished],
        cost,
        growth,
        limit=limit,
        reference=reference,
        cheapest=cheapest,
    )
    return expected.chance_above(needed)


def out_of_reach(study: optuna.Study, params: int, curve: Sequence[Mapping[str, float]]) -> bool:
    """Tell whether a trial will not make the front grow by `GROWTH`, with a probability of `CONFIDENCE`.

    Args:
        study: The study, its scale recorded.
        params: The trial's cost.
        curve: What it has reported so far, at least one point.
    """
    reference = head_only_accuracy(study)
    if reference is None:
        return False
    scale = Scale.recorded(study)
    chance = chance_of_growth(
        finished_runs(study.get_trials(deepcopy=False)),
        params,
        curve,
        limit=scale.limit,
        reference=reference,
        cheapest=scale.cheapest,
    )
    return chance < 1 - CONFIDENCE
