"""A storage at whose calls faults strike, and which keeps a record of what it did."""

from __future__ import annotations

import inspect

from optuna.storages import BaseStorage, RDBStorage, get_storage
from optuna.trial import TrialState

from autopeft.study.reading import KnownTrials

__all__ = ["Killed", "storage_of"]


class Killed(BaseException):
    """A driver's process is gone: nothing of it runs any more, what it would clear up neither."""


def _passing(name):
    """Return a method that passes its call on between two points at which a fault may strike."""

    def call(self, *args, **kwargs):
        self.world.strike(self.driver, name, "before")
        found = getattr(self.inner, name)(*args, **kwargs)
        if name == "set_trial_state_values":
            state = args[1] if len(args) > 1 else kwargs["state"]
            if state.is_finished():
                self.world.ended(self.driver, args[0], state)
            elif state == TrialState.RUNNING and found:
                self.world.taken(self.driver, args[0])
        elif name == "create_new_trial" and len(args) + len(kwargs) == 1:
            self.world.taken(self.driver, found)
        self.world.strike(self.driver, name, "after")
        return found

    return call


_METHODS = {
    name: _passing(name) for name, _ in inspect.getmembers(BaseStorage, inspect.isfunction) if not name.startswith("_")
}
_Passing = type("_Passing", (BaseStorage,), _METHODS)


def storage_of(world, driver, inner):
    """Return a driver's view of a storage."""
    found = _Passing()
    # Of a database each process keeps what it has read of finished trials.
    inner = KnownTrials(inner) if isinstance(inner, RDBStorage) else get_storage(inner)
    found.world, found.driver, found.inner = world, driver, inner
    return found
