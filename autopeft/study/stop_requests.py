"""Trials that somebody wants to end: asked for in the study, heard by the driver at the next rung."""

from __future__ import annotations

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from autopeft.errors import StudyError

__all__ = ["ask_to_stop", "asked_to_stop"]

#: User attribute of a running trial that shall end.
_STOP = "stop"


def ask_to_stop(study: optuna.Study, number: int) -> None:
    """Ask for a trial to end at its next rung, where it is told as stopped.

    Args:
        study: The study, opened for writing.
        number: The trial's number.

    Raises:
        StudyError: When there is no such trial, it is not at work, or the search is compared with it.
    """
    trials = study.get_trials(deepcopy=False)
    running = [each.number for each in trials if each.state == TrialState.RUNNING]
    expected = f"expected one at work: {', '.join(map(str, running)) or 'none is'}"
    if not 0 <= number < len(trials):
        raise StudyError(f"the study has no trial {number}; {expected}")
    trial = trials[number]
    if trial.state != TrialState.RUNNING:
        raise StudyError(f"trial {number} is {trial.state.name.lower()}; {expected}")
    if trial.user_attrs.get("baseline") is not None:
        raise StudyError(f"trial {number} is what the search is compared with, and is not stopped; {expected}")
    try:
        study._storage.set_trial_user_attr(trial._trial_id, _STOP, True)
    except UpdateFinishedTrialError:
        raise StudyError(f"trial {number} has just ended; {expected}") from None


def asked_to_stop(study: optuna.Study, number: int) -> bool:
    """Tell whether somebody wants a trial to end."""
    return bool(study.get_trials(deepcopy=False)[number].user_attrs.get(_STOP))
