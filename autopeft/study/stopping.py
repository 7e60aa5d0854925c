"""Which trials need not be finished: those whose competitors are out of reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import optuna
from optuna.trial import TrialState

from autopeft.samplers import finished_pairs, forecast
from autopeft.study.records import INFEASIBLE

__all__ = ["CONFIDENCE", "out_of_reach"]

#: A trial is stopped only when it stays off the front with at least this probability.
CONFIDENCE = 0.95


def out_of_reach(study: optuna.Study, params: int, curve: Sequence[Mapping[str, float]]) -> bool:
    """Tell whether a trial will not reach the front, with a probability of `CONFIDENCE`.

    It competes with the finished trials of equal or lower cost only: it must end above the best of them. Where
    it will end is forecast from the finished trials of any cost.

    Args:
        study: The study.
        params: The trial's cost.
        curve: What it has reported so far, at least one point.
    """
    complete = [
        trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if trial.user_attrs.get("outcome", {}).get("status") == "complete"
    ]
    rivals = [trial.values[1] for trial in complete if trial.values[0] <= params and trial.constraints[INFEASIBLE] <= 0]
    expected = forecast(finished_pairs(complete, curve[-1]["step"]), curve[-1]["accuracy"])
    return bool(rivals) and expected is not None and expected.chance_above(max(rivals)) < 1 - CONFIDENCE
