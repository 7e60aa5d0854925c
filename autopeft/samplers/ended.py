"""What follows from trials that have ended, worked out once: such a trial never changes."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from optuna.trial import FrozenTrial

__all__ = ["OfEnded"]

T = TypeVar("T")


class OfEnded(Generic[T]):
    """A function of a trial that remembers what it returned for one that has ended, for as long as that is kept.

    Args:
        compute: The function, which looks at nothing but the trial.
    """

    def __init__(self, compute: Callable[[FrozenTrial], T]) -> None:
        self._compute = compute
        # By identity: trials of several studies have the same numbers, and to compare them takes longer.
        self._known: dict[int, tuple[weakref.ref[FrozenTrial], T]] = {}

    def __call__(self, trial: FrozenTrial) -> T:
        """Return what follows from a trial."""
        key = id(trial)
        known = self._known.get(key)
        if known is not None and known[0]() is trial:
            return known[1]
        found = self._compute(trial)
        if trial.state.is_finished():
            self._known[key] = weakref.ref(trial, lambda _: self._known.pop(key, None)), found
        return found
