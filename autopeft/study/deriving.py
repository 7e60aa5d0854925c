"""Trials that were made of others after these had ended, and trained nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import TrialState, create_trial

from autopeft.samplers import COSTS, DERIVED
from autopeft.space import Configuration
from autopeft.study.records import BEYOND, INFEASIBLE, PARAMS

__all__ = ["derived_of", "tell_derived"]


def tell_derived(
    study: optuna.Study,
    configuration: Configuration,
    outcome: Mapping[str, Any],
    *,
    parent: int,
    params: int,
    costs: Sequence[float],
    limit: int,
    beyond: bool = False,
) -> None:
    """Record what was made of a trial, as a finished one.

    It counts among no `--trials` and samplers do not see it; the front, reports and exports do.

    Args:
        study: The study.
        configuration: What it is.
        outcome: Its outcome, complete, as plain data.
        parent: The number of the trial it was made of.
        params: Its trainable parameters.
        costs: Its costs that are objectives, in their order.
        limit: The budget in trainable parameters.
        beyond: Whether the trial it was made of is predicted to exceed a budget of memory.
    """
    study.add_trial(
        create_trial(
            state=TrialState.COMPLETE,
            values=[*costs, float(outcome["accuracy"])],
            user_attrs={
                "configuration": configuration.to_dict(),
                "in_words": configuration.describe(),
                "outcome": dict(outcome),
                PARAMS: params,
                COSTS: list(costs),
                DERIVED: parent,
                **({BEYOND: True} if beyond else {}),
            },
            constraints={INFEASIBLE: 1.0 if params > limit else 0.0},
        )
    )


def derived_of(study: optuna.Study, parent: int) -> dict[str, int]:
    """Return the numbers of the trials that were made of one, by the texts of their configurations."""
    return {
        Configuration.from_dict(trial.user_attrs["configuration"]).text: trial.number
        for trial in study.get_trials(deepcopy=False)
        if trial.user_attrs.get(DERIVED) == parent
    }
