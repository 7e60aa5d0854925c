"""For how long a trial is its owner's: leases, which are renewed while it runs.

A lease is a counter. Whoever waits for a trial of another process watches it by a clock of their own, so that no two
clocks need to agree; a lease that stands still has run out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from autopeft.space import BoundSpace
from autopeft.study.asking import OWNER, TRAINS
from autopeft.study.owner import is_alive
from autopeft.study.records import id_of
from autopeft.study.telling import LeaseLostError, tell_lost

__all__ = ["LEASE_SECONDS", "Watch", "renew"]

#: A lease that stands still for so long has run out; it is renewed four times as often.
LEASE_SECONDS = 60.0

#: User attribute of a running trial: how often its lease was renewed.
_LEASE = "lease"


def renew(study: optuna.Study, number: int, count: int) -> bool:
    """Renew the lease on a trial; tell whether it is still this process's.

    Args:
        study: The study.
        number: The trial's number.
        count: How often it was renewed before.
    """
    try:
        study._storage.set_trial_user_attr(id_of(study, number), _LEASE, count + 1)
    except UpdateFinishedTrialError:
        return False
    return True


class Watch:
    """Watches the running trials of other processes, and frees those whose owners are gone.

    Args:
        study: The study.
        space: Its space.
        clock: Seconds that pass, from anywhere.
        seconds: How long a lease may stand still.
    """

    def __init__(
        self,
        study: optuna.Study,
        space: BoundSpace,
        clock: Callable[[], float] = time.monotonic,
        seconds: float | None = None,
    ) -> None:
        self._study = study
        self._space = space
        self._clock = clock
        self._seconds = seconds
        self._seen: dict[int, tuple[Any, float, float]] = {}

    def free(self, mine: Collection[int] = (), *, alone: bool = False, seen: optuna.Study | None = None) -> list[int]:
        """Free the trials whose owners are gone; return their numbers.

        Args:
            mine: Trials that this process runs.
            alone: Whether nobody but this process works on the study, so that every other owner is gone.
            seen: The study as it was just now; it is read when left out.
        """
        freed = []
        for trial in (seen or self._study).get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.number in mine or not (alone or self._gone(trial)):
                continue
            owner = trial.user_attrs.get(OWNER, {})
            # Where a whole machine ended, the trial is hardly to blame.
            blamed = bool(owner.get(TRAINS)) and is_alive(owner) is False
            try:
                tell_lost(self._study, self._space, trial.number, "its process is gone", blamed=blamed)
            except LeaseLostError:
                # It has ended, or another process freed it first.
                continue
            freed.append(trial.number)
        return freed

    def _gone(self, trial: FrozenTrial) -> bool:
        """Tell whether nobody runs a trial any more: its process has ended, or its lease stands still."""
        owner = trial.user_attrs.get(OWNER)
        alive = None if owner is None else is_alive(owner)
        if alive is False:
            return True
        seconds = LEASE_SECONDS if self._seconds is None else self._seconds
        now, lease = self._clock(), (owner, trial.user_attrs.get(_LEASE))
        before, still, looked = self._seen.get(trial.number, (None, 0.0, now))
        # However long it is since the last look: both may have been suspended, with the machine.
        still = still + min(now - looked, seconds / 4) if before == lease else 0.0
        self._seen[trial.number] = lease, still, now
        return still > seconds
