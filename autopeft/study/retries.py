"""What may be there once only, and what a lost trial becomes when it is tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from autopeft.samplers import is_own
from autopeft.space import BoundSpace, Configuration
from autopeft.study.records import BEYOND, configuration_of, counts, enqueue, is_void, outcome_of

__all__ = [
    "CLAIM",
    "RETRIES",
    "RETRY_OF",
    "claims_the_same",
    "first_of",
    "put_back",
    "put_in_line",
    "rooms",
    "stands_for",
]

#: User attribute of a trial that says what it is that only one trial may be: a baseline, or the next try of a lost one.
CLAIM = "claim"

#: User attribute of a trial that is the next try of another: the number of that one.
RETRY_OF = "retry_of"

#: How often a configuration is tried again whose worker died.
RETRIES = 2

#: User attribute of a trial: how often its configuration may have killed a worker before.
_RETRY = "retry"


def claims_the_same(other: FrozenTrial, attrs: Mapping[str, Any]) -> bool:
    """Tell whether another trial is, or will be, what one with these user attributes claims to be."""
    return CLAIM in attrs and other.state != TrialState.FAIL and bool(other.user_attrs.get(CLAIM) == attrs[CLAIM])


def stands_for(other: FrozenTrial, attrs: Mapping[str, Any]) -> bool:
    """Tell whether another trial makes it needless to try a lost one again.

    Args:
        other: The other trial.
        attrs: The user attributes of the lost one.
    """
    same = is_own(other) and other.user_attrs.get("configuration") == attrs["configuration"]
    return same and "baseline" not in attrs and other.state not in (TrialState.FAIL, TrialState.WAITING)


def rooms(trials: Sequence[FrozenTrial], space: BoundSpace, but: int) -> set[int]:
    """Return the rooms that are taken of the trials there may be in all, each by the number of who took it first.

    A next try has the room of the trial that was lost, also before it is in line.

    Args:
        trials: All trials of the study, by number.
        space: Its space.
        but: A trial whose room does not count.
    """
    own = first_of(trials, but)
    found = {
        first_of(trials, trial.number)
        for trial in trials
        if not is_void(trial)
        and (
            counts(trial)
            or trial.state in (TrialState.RUNNING, TrialState.WAITING)
            or (_is_lost(trial) and _next_try(trials, space, trial.number, _is_blamed(trial)) is not None)
        )
    }
    return found - {own}


def first_of(trials: Sequence[FrozenTrial], number: int) -> int:
    """Return the number of the trial of which one is the next try, or the next after that; its own where of none."""
    while (before := trials[number].user_attrs.get(RETRY_OF)) is not None:
        number = before
    return number


def put_back(study: optuna.Study, space: BoundSpace, seen: optuna.Study | None = None) -> list[int]:
    """Put lost trials in line again that are not yet, as where a process died over it, or what was in line was void.

    Args:
        study: The study.
        space: Its space.
        seen: The study as it was just now; it is read when left out.

    Returns:
        The numbers of the lost trials.
    """
    trials = (seen or study).get_trials(deepcopy=False)
    missing = [
        trial
        for trial in filter(_is_lost, trials)
        if _next_try(trials, space, trial.number, _is_blamed(trial)) is not None
    ]
    for trial in missing:
        put_in_line(study, space, trial.number, _is_blamed(trial))
    return [trial.number for trial in missing]


def put_in_line(study: optuna.Study, space: BoundSpace, number: int, blamed: bool) -> None:
    """Let a trial be tried again, unless it was often enough, or is in line or was tried already."""
    found = _next_try(study.get_trials(deepcopy=False), space, number, blamed)
    if found is not None:
        enqueue(study, space, *found)


def _is_lost(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.FAIL and not is_void(trial) and outcome_of(trial)["status"] == "killed"


def _is_blamed(trial: FrozenTrial) -> bool:
    return bool(outcome_of(trial).get("blamed", True))


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
