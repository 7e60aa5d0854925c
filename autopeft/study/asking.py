"""How a trial is asked for, when others may ask the same study at the same moment.

Nobody locks the study. A trial is taken first and looked at then: trials have numbers, and of those that cannot all be
run the ones with the lowest numbers are; a next try counts by the number of what was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from autopeft.space import BoundSpace, Configuration
from autopeft.study.owner import this_owner
from autopeft.study.records import Ask, counts, is_void, void
from autopeft.study.retries import CLAIM, RETRY_OF, claims_the_same, first_of, rooms, stands_for

__all__ = ["OWNER", "TRAINS", "ask", "room"]

#: User attribute of a trial that says who runs it.
OWNER = "owner"

#: Of an owner, whether it trains the trial itself.
TRAINS = "trains"


def room(study: optuna.Study, total: int) -> bool:
    """Tell whether fewer trials than the total have been run or are at work, here or elsewhere."""
    trials = (trial for trial in study.get_trials(deepcopy=False) if not is_void(trial))
    return sum(counts(trial) or trial.state == TrialState.RUNNING for trial in trials) < total


def ask(
    study: optuna.Study,
    space: BoundSpace,
    total: int | None = None,
    *,
    trains: bool = False,
    taken: Callable[[int], None] = lambda number: None,
) -> Ask | None:
    """Take the next trial: one in line, or a new proposal of the study's sampler.

    Args:
        study: The study.
        space: Its space.
        total: How many trials shall be run in all; no end when left out.
        trains: Whether this process will train it itself, so that its death may be the trial's fault.
        taken: Hears the number of what is taken, whose lease wants to be renewed while a sampler thinks.

    Returns:
        The trial; None when others that asked at the same moment left no room for it.

    Raises:
        ExhaustedSpaceError: When the sampler finds nothing new within the budget.
    """
    while True:
        trial = study.ask()
        taken(trial.number)
        try:
            return _begun(study, space, trial, total, trains)
        except _NotYetError:
            # What it takes the place of has its room until then.
            return None
        except (UpdateFinishedTrialError, _AnotherError):
            # Or this process was away for so long that the trial was taken from it.
            continue


class _AnotherError(Exception):
    """A trial is another one already."""


class _NotYetError(Exception):
    """A trial is the next try of one that somebody is just about to give up."""


def _begun(study: optuna.Study, space: BoundSpace, trial: optuna.Trial, total: int | None, trains: bool) -> Ask | None:
    """Make a trial this process's, or give it back."""
    trial.set_user_attr(OWNER, {**this_owner(), TRAINS: trains})
    known = {other.number for other in study.get_trials(deepcopy=False) if "configuration" in other.user_attrs}
    given = trial.user_attrs.get("configuration")
    if given is None:
        try:
            configuration = space.suggest(trial)
        except Exception as error:
            void(study, trial, str(error) or type(error).__name__)
            raise
        trial.set_user_attr("configuration", configuration.to_dict())
    else:
        configuration = Configuration.from_dict(given)
        if space.contains(configuration):
            space.suggest(trial)
    trials = study.get_trials(deepcopy=False)
    others = [other for other in trials if other.number != trial.number]
    mine = first_of(trials, trial.number)
    if total is not None and sum(first < mine for first in rooms(trials, space, trial.number)) >= total:
        void(study, trial, "others left no room for it")
        return None
    # Read once, since Optuna copies them each time.
    attrs = trial.user_attrs
    again = [other for other in others if other.number == attrs.get(RETRY_OF)]
    if any(other.state == TrialState.RUNNING for other in again):
        void(study, trial, "what it tries again is not lost yet")
        raise _NotYetError
    if any(_is_it(other, trial.number, attrs, known) for other in others):
        void(study, trial, "another trial is the same")
        raise _AnotherError
    trial.set_user_attr("in_words", configuration.describe())
    return Ask(trial.number, configuration, attrs.get("baseline"))


def _is_it(other: FrozenTrial, number: int, attrs: Mapping[str, Any], known: Collection[int]) -> bool:
    """Tell whether another trial is what this one is: by their claims, or proposed elsewhere at the same moment."""
    if is_void(other):
        return False
    if other.number == attrs.get(RETRY_OF):
        # It is not lost after all.
        return other.state != TrialState.FAIL
    if other.number < number and claims_the_same(other, attrs):
        return True
    if RETRY_OF in attrs:
        return stands_for(other, attrs) and other.number < number
    # Each writes first and reads then, so that of two one sees the other; where both do, both propose anew.
    same = other.user_attrs.get("configuration") == attrs["configuration"]
    return CLAIM not in attrs and same and other.number not in known
