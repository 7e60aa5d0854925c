"""How outcomes become trials, also those that never came back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from autopeft.errors import StudyError
from autopeft.samplers import COSTS
from autopeft.space import BoundSpace
from autopeft.study.asking import CLAIM
from autopeft.study.records import BEYOND, INFEASIBLE, PARAMS, configuration_of, enqueue, is_void, outcome_of

__all__ = ["RETRIES", "LeaseLostError", "put_back", "tell", "tell_lost"]

#: How often a configuration is tried again whose worker died.
RETRIES = 2

#: Failures of a configuration itself: samplers shall learn from them, so they are told with the worst accuracy.
_FAULTS_OF_CONFIGURATION = frozenset({"oom", "nan", "timeout"})

#: User attributes of a trial: which it is the next try of, and how often its configuration has failed a worker.
_RETRY_OF, _RETRY = "retry_of", "retry"


class LeaseLostError(StudyError):
    """A trial was taken from its owner, who has not renewed the lease."""


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

    Raises:
        LeaseLostError: When the trial was taken from its owner meanwhile; nothing is recorded then.
    """
    status = outcome["status"]
    with _ours(number):
        trial = optuna.trial.Trial(study, study.trials[number]._trial_id)
        trial.set_user_attr("outcome", dict(outcome))
        costs = list(costs or (float(params),))
        trial.set_user_attr(PARAMS, params)
        trial.set_user_attr(COSTS, costs)
        if status == "stopped":
            trial.set_constraint(INFEASIBLE, 0.0)
            return _end(study, trial, TrialState.PRUNED)
        if status == "complete" or status in _FAULTS_OF_CONFIGURATION:
            failed = status != "complete"
            trial.set_constraint(INFEASIBLE, 1.0 if failed or params > limit else 0.0)
            accuracy = worst if failed else float(outcome["accuracy"])
            return _end(study, trial, TrialState.COMPLETE, (*costs, accuracy))
        return _end(study, trial, TrialState.FAIL)


def tell_lost(study: optuna.Study, space: BoundSpace, number: int, reason: str, *, blamed: bool = True) -> None:
    """Mark a running trial as lost and put its configuration in line again.

    Args:
        study: The study.
        space: Its space.
        number: The trial's number.
        reason: Why it is lost, in words.
        blamed: Whether the configuration may have done it, as where a worker died over it: so it is tried again
            `RETRIES` times, and else as often as it is lost.

    Raises:
        LeaseLostError: When the trial has ended or was taken from its owner meanwhile.
    """
    with _ours(number):
        trial = optuna.trial.Trial(study, study.trials[number]._trial_id)
        trial.set_user_attr("outcome", {"status": "killed", "message": reason, "blamed": blamed})
        _end(study, trial, TrialState.FAIL)
    put_back(study, space, [number])


def put_back(study: optuna.Study, space: BoundSpace, numbers: Sequence[int] | None = None) -> None:
    """Put the configurations of lost trials in line again that are not yet.

    Args:
        study: The study.
        space: Its space.
        numbers: The trials that are looked at; all when left out, as where a process died before it had put one back.
    """
    trials = study.get_trials(deepcopy=False)
    claimed = {trial.user_attrs.get(CLAIM) for trial in trials if not is_void(trial)}
    for trial in trials if numbers is None else [trials[number] for number in numbers]:
        outcome = outcome_of(trial) if trial.state == TrialState.FAIL and not is_void(trial) else {}
        claim = f"retry of {trial.number}"
        if outcome.get("status") != "killed" or claim in claimed or _retried(trial, trials):
            continue
        tries = int(trial.user_attrs.get(_RETRY, 0)) + bool(outcome.get("blamed", True))
        configuration = configuration_of(trial, space)
        if configuration is not None and tries <= RETRIES:
            attrs = {CLAIM: claim, _RETRY: tries, _RETRY_OF: trial.number}
            attrs |= {name: trial.user_attrs[name] for name in ("baseline", BEYOND) if name in trial.user_attrs}
            enqueue(study, space, configuration, attrs)


def _retried(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> bool:
    """Tell whether a trial of an earlier version, which made no claims, was put in line again."""
    return any(other.user_attrs.get(_RETRY_OF) == trial.number and CLAIM not in other.user_attrs for other in trials)


def _end(
    study: optuna.Study, trial: optuna.Trial, state: TrialState, values: Sequence[float] | None = None
) -> FrozenTrial:
    try:
        return study.tell(trial, values, state=state)
    except ValueError as error:
        # Optuna looks at the state before it writes, and then says so in words alone.
        if study.trials[trial.number].state.is_finished():
            raise UpdateFinishedTrialError(str(error)) from error
        raise


@contextmanager
def _ours(number: int) -> Iterator[None]:
    """Turn Optuna's refusal to change a trial that has ended into what it means."""
    try:
        yield
    except UpdateFinishedTrialError as error:
        raise LeaseLostError(
            f"trial {number} was taken from this process, which has not renewed its lease for long; what it brought "
            "is dropped, and the trial is run again"
        ) from error
