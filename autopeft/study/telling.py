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
from autopeft.space import BoundSpace, Configuration
from autopeft.study.asking import CLAIM, RETRY_OF, claims_the_same, stands_for
from autopeft.study.records import BEYOND, INFEASIBLE, LOST, PARAMS, configuration_of, end, enqueue, is_void, outcome_of

__all__ = ["RETRIES", "LeaseLostError", "put_back", "tell", "tell_lost"]

#: How often a configuration is tried again whose worker died.
RETRIES = 2

#: Failures of a configuration itself: samplers shall learn from them, so they are told with the worst accuracy.
_FAULTS_OF_CONFIGURATION = frozenset({"oom", "nan", "timeout"})

#: User attribute of a trial: how often its configuration may have killed a worker before.
_RETRY = "retry"


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
        trial = optuna.trial.Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)
        trial.set_user_attr("outcome", dict(outcome))
        costs = list(costs or (float(params),))
        trial.set_user_attr(PARAMS, params)
        trial.set_user_attr(COSTS, costs)
        if status == "stopped":
            trial.set_constraint(INFEASIBLE, 0.0)
            return end(study, trial, TrialState.PRUNED)
        if status == "complete" or status in _FAULTS_OF_CONFIGURATION:
            failed = status != "complete"
            trial.set_constraint(INFEASIBLE, 1.0 if failed or params > limit else 0.0)
            accuracy = worst if failed else float(outcome["accuracy"])
            return end(study, trial, TrialState.COMPLETE, (*costs, accuracy))
        return end(study, trial, TrialState.FAIL)


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
        trial = optuna.trial.Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)
        # Not its outcome, which its owner may be writing at the moment.
        trial.set_user_attr(LOST, {"message": reason, "blamed": blamed})
        # Before it is over, for its room would be another's at once.
        _put_in_line(study, space, number, blamed)
        end(study, trial, TrialState.FAIL)
        # Whoever came upon that in between has given it back.
        _put_in_line(study, space, number, blamed)


def put_back(study: optuna.Study, space: BoundSpace) -> None:
    """Put lost trials in line again that are not yet, as where a process died over it, or what was in line was void."""
    trials = study.get_trials(deepcopy=False)
    for trial in trials:
        if trial.state != TrialState.FAIL:
            continue
        outcome = outcome_of(trial)
        blamed = outcome.get("blamed", True)
        if outcome["status"] == "killed" and _next_try(trials, space, trial.number, blamed) is not None:
            _put_in_line(study, space, trial.number, blamed)


def _put_in_line(study: optuna.Study, space: BoundSpace, number: int, blamed: bool) -> None:
    """Let a trial be tried again, unless it was often enough, or is in line or was tried already."""
    found = _next_try(study.get_trials(deepcopy=False), space, number, blamed)
    if found is not None:
        enqueue(study, space, *found)


def _next_try(
    trials: Sequence[FrozenTrial], space: BoundSpace, number: int, blamed: bool
) -> tuple[Configuration, dict[str, Any]] | None:
    """Return what a lost trial becomes when it is tried again: its configuration, and its user attributes."""
    trial, configuration = trials[number], configuration_of(trials[number], space)
    tries = int(trial.user_attrs.get(_RETRY, 0)) + blamed
    if configuration is None or tries > RETRIES or is_void(trial):
        return None
    known = {CLAIM: f"trial {number}", **trial.user_attrs, "configuration": configuration.to_dict()}
    for other in trials:
        if is_void(other) or other.number == number:
            continue
        if other.user_attrs.get(RETRY_OF) == number or claims_the_same(other, known) or stands_for(other, known):
            return None
    attrs = {CLAIM: known[CLAIM], RETRY_OF: number, _RETRY: tries}
    attrs |= {name: trial.user_attrs[name] for name in ("baseline", BEYOND) if name in trial.user_attrs}
    return configuration, attrs


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
