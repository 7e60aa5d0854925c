"""The trials of a study that samplers learn from: those that were trained, and not what was made of them afterwards."""

from __future__ import annotations

from collections.abc import Container

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

__all__ = ["DERIVED", "is_own", "own_trials"]

#: User attribute of a trial that was made of another, which had ended, and trained nothing: the number of the other.
DERIVED = "derived_from"


def own_trials(study: Study, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
    """Return the trials of a study that were asked for.

    Args:
        study: The study.
        states: The states of interest; all when left out.
    """
    return [trial for trial in study.get_trials(deepcopy=False, states=states) if is_own(trial)]


def is_own(trial: FrozenTrial) -> bool:
    """Tell whether a trial was asked for."""
    return DERIVED not in trial.user_attrs
