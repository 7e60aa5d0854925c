"""What trials of a study say of themselves, and how they are counted and put in line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from autopeft.samplers import is_own
from autopeft.space import BoundSpace, Configuration

__all__ = [
    "BEYOND",
    "INFEASIBLE",
    "LOST",
    "OUTSIDE",
    "PARAMS",
    "Ask",
    "configuration_of",
    "counted",
    "counts",
    "end",
    "enqueue",
    "id_of",
    "is_void",
    "open_trials",
    "outcome_of",
    "void",
    "waiting",
]

#: The constraint every told trial carries: 0 when its objectives hold, 1 when it failed or exceeds the budget.
INFEASIBLE = "infeasible"

#: The user attribute of a told trial that holds its trainable parameters, an objective or not.
PARAMS = "params"

#: User attribute of baselines that are predicted to exceed a budget of memory.
BEYOND = "beyond"

#: User attribute of trials that the study's present space does not have.
OUTSIDE = "outside"

#: User attribute of trials that stand for nothing, with why: they were asked for and given back at once.
_VOID = "void"

#: User attribute of a trial that was taken for lost: why, and whether it may have been its fault.
LOST = "lost"

#: Of a trial that failed these alone can be the outcome; what else is written was cut short.
_FAILED = ("error", "killed")


@dataclass(frozen=True)
class Ask:
    """A trial to be run: its number in the study, what to train and with which seed."""

    number: int
    configuration: Configuration
    baseline: str | None


def id_of(study: optuna.Study, number: int) -> int:
    """Return what a storage calls a trial; of one that was read before that is known without a look at the others."""
    return study._storage.get_trial_id_from_study_id_trial_number(study._study_id, number)


def enqueue(study: optuna.Study, space: BoundSpace, configuration: Configuration, attrs: Mapping[str, Any]) -> None:
    """Put a given configuration in line; it may lie outside the space, and then has no parameters."""
    params = space.encode(configuration) if space.contains(configuration) else {}
    study.enqueue_trial(params, user_attrs={"configuration": configuration.to_dict(), **attrs})


def configuration_of(trial: FrozenTrial, space: BoundSpace) -> Configuration | None:
    """Return what a trial trains, noted or, when it was cut short before that, by its parameters; None without."""
    given = trial.user_attrs.get("configuration")
    if given is not None:
        return Configuration.from_dict(given)
    return space.decode(trial.params) if space.distributions().keys() <= trial.params.keys() else None


def outcome_of(trial: FrozenTrial) -> Mapping[str, Any]:
    """Return the outcome of a trial that has ended; its state decides where writing was cut short."""
    found: Mapping[str, Any] = trial.user_attrs.get("outcome", {})
    if trial.state == TrialState.FAIL and LOST in trial.user_attrs:
        return {"status": "killed", **trial.user_attrs[LOST]}
    if trial.state == TrialState.FAIL and found.get("status") not in _FAILED:
        return {"status": "killed", "message": trial.user_attrs.get(_VOID, "its process is gone")}
    return found


def end(
    study: optuna.Study, trial: optuna.Trial, state: TrialState, values: Sequence[float] | None = None
) -> FrozenTrial:
    """End a trial.

    Raises:
        UpdateFinishedTrialError: When it has ended already.
    """
    try:
        return study.tell(trial, values, state=state)
    except ValueError as error:
        # Optuna looks at the state before it writes, and then says so in words alone.
        if study.get_trials(deepcopy=False)[trial.number].state.is_finished():
            raise UpdateFinishedTrialError(str(error)) from error
        raise


def void(study: optuna.Study, trial: optuna.Trial, reason: str) -> None:
    """Give a trial back that was asked for and shall not be run: the row is there already, and must not count."""
    trial.set_user_attr(_VOID, reason)
    end(study, trial, TrialState.FAIL)


def is_void(trial: FrozenTrial) -> bool:
    """Tell whether a trial stands for nothing."""
    return _VOID in trial.user_attrs


def counted(study: optuna.Study) -> int:
    """Count the trials that use up `--trials`: finished ones, and failed ones that will not be tried again."""
    return sum(counts(trial) for trial in study.get_trials(deepcopy=False))


def counts(trial: FrozenTrial) -> bool:
    """Tell whether a trial uses up one of `--trials`."""
    if not is_own(trial):
        return False
    if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
        return True
    return trial.state == TrialState.FAIL and outcome_of(trial)["status"] == "error"


def waiting(study: optuna.Study) -> bool:
    """Tell whether trials are in line."""
    return bool(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))


def open_trials(study: optuna.Study) -> int:
    """Count the trials at work or in line."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)))
