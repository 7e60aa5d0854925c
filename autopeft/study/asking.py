"""How a trial is asked for, when others may ask the same study at the same moment.

Nobody locks the study. A trial is taken first and looked at then: trials have numbers, and of those that cannot all be
run the ones with the lowest numbers are.
"""

from __future__ import annotations

from collections.abc import Collection

import optuna
from optuna.trial import FrozenTrial, TrialState

from autopeft.space import BoundSpace, Configuration
from autopeft.study.owner import this_owner
from autopeft.study.records import Ask, counts, is_void, void

__all__ = ["CLAIM", "OWNER", "TRAINS", "ask", "room"]

#: User attribute of a trial that says what it is that only one trial may be: a baseline, or the next try of a lost one.
CLAIM = "claim"

#: User attribute of a trial that says who runs it.
OWNER = "owner"

#: Of an owner, whether it trains the trial itself.
TRAINS = "trains"


def room(study: optuna.Study, total: int) -> bool:
    """Tell whether fewer trials than the total have been run or are at work, here or elsewhere."""
    taken = (counts(trial) or trial.state == TrialState.RUNNING for trial in study.get_trials(deepcopy=False))
    return sum(taken) < total


def ask(study: optuna.Study, space: BoundSpace, total: int | None = None, *, trains: bool = False) -> Ask | None:
    """Take the next trial: one in line, or a new proposal of the study's sampler.

    Args:
        study: The study.
        space: Its space.
        total: How many trials shall be run in all; no end when left out.
        trains: Whether this process will train it itself, so that its death may be the trial's fault.

    Returns:
        The trial; None when others that asked at the same moment left no room for it.

    Raises:
        ExhaustedSpaceError: When the sampler finds nothing new within the budget.
    """
    while True:
        trial = study.ask()
        trial.set_user_attr(OWNER, {**this_owner(), TRAINS: trains})
        known = {other.number for other in study.get_trials(deepcopy=False) if "configuration" in other.user_attrs}
        given = trial.user_attrs.get("configuration")
        if given is None:
            try:
                configuration = space.suggest(trial)
            except BaseException as error:
                void(study, trial, str(error) or type(error).__name__)
                raise
            trial.set_user_attr("configuration", configuration.to_dict())
        else:
            configuration = Configuration.from_dict(given)
            if space.contains(configuration):
                space.suggest(trial)
        earlier = [other for other in study.get_trials(deepcopy=False) if other.number < trial.number]
        if total is not None and sum(_takes_room(other) for other in earlier) >= total:
            void(study, trial, "others left no room for it")
            return None
        if any(_is_it(other, trial, known) for other in earlier):
            void(study, trial, "another trial is the same")
            continue
        trial.set_user_attr("in_words", configuration.describe())
        return Ask(trial.number, configuration, trial.user_attrs.get("baseline"))


def _takes_room(trial: FrozenTrial) -> bool:
    return counts(trial) or trial.state in (TrialState.RUNNING, TrialState.WAITING)


def _is_it(other: FrozenTrial, trial: optuna.Trial, known: Collection[int]) -> bool:
    """Tell whether another trial is what this one is: by their claims, or proposed elsewhere at the same moment."""
    if is_void(other):
        return False
    claim = trial.user_attrs.get(CLAIM)
    if claim is not None:
        return bool(other.user_attrs.get(CLAIM) == claim)
    same = other.user_attrs.get("configuration") == trial.user_attrs["configuration"]
    return same and other.number not in known
