"""How a trial is asked for, told and counted in an Optuna study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from autopeft.samplers import COSTS
from autopeft.space import BoundSpace, Configuration
from autopeft.study.owner import is_alive, this_owner

__all__ = [
    "BEYOND",
    "INFEASIBLE",
    "OUTSIDE",
    "PARAMS",
    "RETRIES",
    "Ask",
    "ask",
    "counted",
    "enqueue",
    "open_trials",
    "reap",
    "tell",
    "tell_lost",
]

#: The constraint every told trial carries: 0 when its objectives hold, 1 when it failed or exceeds the budget.
INFEASIBLE = "infeasible"

#: The user attribute of a told trial that holds its trainable parameters, an objective or not.
PARAMS = "params"

#: User attribute of baselines that are predicted to exceed a budget of memory.
BEYOND = "beyond"

#: User attribute of trials that the study's present space does not have.
OUTSIDE = "outside"

#: How often a configuration is tried again after a fault of the machine.
RETRIES = 2

#: Failures of a configuration itself: samplers shall learn from them, so they are told with the worst accuracy.
_FAULTS_OF_CONFIGURATION = frozenset({"oom", "nan", "timeout"})


@dataclass(frozen=True)
class Ask:
    """A trial to be run: its number in the study, what to train and with which seed."""

    number: int
    configuration: Configuration
    baseline: str | None


def enqueue(study: optuna.Study, space: BoundSpace, configuration: Configuration, attrs: Mapping[str, Any]) -> None:
    """Put a given configuration in line; it may lie outside the space, and then has no parameters."""
    params = space.encode(configuration) if space.contains(configuration) else {}
    study.enqueue_trial(params, user_attrs={"configuration": configuration.to_dict(), **attrs})


def ask(study: optuna.Study, space: BoundSpace) -> Ask:
    """Take the next trial: one in line, or a new proposal of the study's sampler.

    Raises:
        ExhaustedSpaceError: When the sampler finds nothing new within the budget.
    """
    trial = study.ask()
    trial.set_user_attr("owner", this_owner())
    given = trial.user_attrs.get("configuration")
    if given is None:
        try:
            configuration = space.suggest(trial)
        except BaseException as error:
            # The row exists already; it must not stay RUNNING nor count.
            trial.set_user_attr("void", str(error) or type(error).__name__)
            study.tell(trial, state=TrialState.FAIL)
            raise
        trial.set_user_attr("configuration", configuration.to_dict())
    else:
        configuration = Configuration.from_dict(given)
        if space.contains(configuration):
            space.suggest(trial)
    trial.set_user_attr("in_words", configuration.describe())
    return Ask(trial.number, configuration, trial.user_attrs.get("baseline"))


def tell(
    study: optuna.Study,
    number: int,
    outcome: Mapping[str, Any],
    *,
    params: int,
    limit: int,
    worst: float,
    costs: Sequence[float] | None = None,
) -> FrozenTrial:
    """Record an outcome.

    A configuration that ran out of memory, diverged or timed out is COMPLETE with the worst accuracy, its exact
    cost and a positive constraint, so that every sampler learns from it. A trial stopped early is PRUNED, its
    curve in the outcome: studies of several objectives take no values for it. A killed worker is a fault of the
    machine (FAIL, to be tried again); an error in code or data is FAIL and is not.

    Args:
        study: The study.
        number: The trial's number.
        outcome: A trial's outcome as plain data, at least `status` and `accuracy`.
        params: The configuration's exact cost in trainable parameters.
        limit: The budget in trainable parameters.
        worst: The metric's worst value.
        costs: The costs that are objectives, in their order; `params` alone when left out.

    Returns:
        The trial as recorded.
    """
    status = outcome["status"]
    trial = optuna.trial.Trial(study, study.trials[number]._trial_id)
    trial.set_user_attr("outcome", dict(outcome))
    costs = list(costs or (float(params),))
    trial.set_user_attr(PARAMS, params)
    trial.set_user_attr(COSTS, costs)
    if status == "stopped":
        trial.set_constraint(INFEASIBLE, 0.0)
        return study.tell(number, state=TrialState.PRUNED)
    if status == "complete" or status in _FAULTS_OF_CONFIGURATION:
        failed = status != "complete"
        trial.set_constraint(INFEASIBLE, 1.0 if failed or params > limit else 0.0)
        accuracy = worst if failed else float(outcome["accuracy"])
        return study.tell(number, (*costs, accuracy), state=TrialState.COMPLETE)
    return study.tell(number, state=TrialState.FAIL)


def tell_lost(study: optuna.Study, space: BoundSpace, number: int, reason: str) -> None:
    """Mark a running trial as lost through no fault of its own and put its configuration in line again."""
    trial = study.trials[number]
    retries = int(trial.user_attrs.get("retry", 0))
    handle = optuna.trial.Trial(study, trial._trial_id)
    handle.set_user_attr("outcome", {"status": "killed", "message": reason})
    study.tell(number, state=TrialState.FAIL)
    configuration = _configuration(trial, space)
    if configuration is not None and retries < RETRIES:
        attrs = {"retry": retries + 1, "retry_of": number}
        attrs |= {name: trial.user_attrs[name] for name in ("baseline", BEYOND) if name in trial.user_attrs}
        enqueue(study, space, configuration, attrs)


def _configuration(trial: FrozenTrial, space: BoundSpace) -> Configuration | None:
    """Return what a trial trains, noted or, when it was cut short before that, by its parameters; None without."""
    given = trial.user_attrs.get("configuration")
    if given is not None:
        return Configuration.from_dict(given)
    return space.decode(trial.params) if space.distributions().keys() <= trial.params.keys() else None


def reap(study: optuna.Study, space: BoundSpace, *, alone: bool = False) -> list[int]:
    """Free the running trials of dead owners; return their numbers.

    Args:
        study: The study.
        space: Its space.
        alone: Whether nobody but this process works on it, so that every owner is dead, wherever it was.
    """
    dead = [
        trial.number
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if alone or "owner" not in trial.user_attrs or not is_alive(trial.user_attrs["owner"])
    ]
    for number in dead:
        tell_lost(study, space, number, "its process is gone")
    return dead


def counted(study: optuna.Study) -> int:
    """Count the trials that use up `--trials`: finished ones, and failed ones that will not be tried again."""
    return sum(_counts(trial) for trial in study.get_trials(deepcopy=False))


def open_trials(study: optuna.Study) -> int:
    """Count the trials at work or in line."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)))


def _counts(trial: FrozenTrial) -> bool:
    if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
        return True
    return trial.state == TrialState.FAIL and trial.user_attrs.get("outcome", {}).get("status") == "error"
