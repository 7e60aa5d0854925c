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
from autopeft.study.records import INFEASIBLE, LOST, PARAMS, end, id_of
from autopeft.study.retries import put_in_line

__all__ = ["LeaseLostError", "tell", "tell_lost"]

#: Failures of a configuration itself: samplers shall learn from them, so they are told with the worst accuracy.
_FAULTS_OF_CONFIGURATION = frozenset({"oom", "nan", "timeout"})


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
        trial = optuna.trial.Trial(study, id_of(study, number))
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
        trial = optuna.trial.Trial(study, id_of(study, number))
        # Not its outcome, which its owner may be writing at the moment.
        trial.set_user_attr(LOST, {"message": reason, "blamed": blamed})
        # Before it is over, for its room would be another's at once.
        put_in_line(study, space, number, blamed)
        end(study, trial, TrialState.FAIL)
        # Whoever came upon that in between has given it back.
        put_in_line(study, space, number, blamed)


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
