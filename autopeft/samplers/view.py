"""A study as a foreign sampler may see it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Container
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

__all__ = ["StudyView"]


class StudyView:
    """A study with some trials hidden, and deaf to proposals that may yet be turned down.

    Args:
        study: The study behind.
        visible: Which trials to show.
    """

    def __init__(self, study: Study, visible: Callable[[FrozenTrial], bool]) -> None:
        self._study = study
        self._visible = visible
        self._storage = _Storage(study._storage)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    @property
    def trials(self) -> list[FrozenTrial]:
        """The visible trials."""
        return self.get_trials()

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        """Return the visible trials."""
        return self._get_trials(deepcopy, states)

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        # Optuna's samplers call this one; it has no public counterpart with a cache.
        trials = self._study._get_trials(deepcopy=False, states=states, use_cache=use_cache)
        shown = [trial for trial in trials if self._visible(trial)]
        return copy.deepcopy(shown) if deepcopy else shown


class _Storage:
    """A storage that drops the notes samplers leave about the proposal they are making.

    TPE and GP publish a proposal to other processes before it is stored; one that is then turned down, or
    overwritten by a shorter one, would stay behind as a lie.
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        if ":relative_params" not in key:
            self._storage.set_trial_system_attr(trial_id, key, value)
