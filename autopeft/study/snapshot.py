"""A study as it was at one moment, for several who look at it one after another."""

from __future__ import annotations

from collections.abc import Container
from functools import cached_property
from typing import Any, cast

import optuna
from optuna.trial import FrozenTrial, TrialState

__all__ = ["snapshot"]


def snapshot(study: optuna.Study) -> optuna.Study:
    """Return a study to look at, which is read once, when it is looked at first; trials are never copied."""
    return cast(optuna.Study, _Snapshot(study))


class _Snapshot:
    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    @cached_property
    def user_attrs(self) -> dict[str, Any]:
        return self._study.user_attrs

    @cached_property
    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def get_trials(self, deepcopy: bool = False, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        return self._trials if states is None else [trial for trial in self._trials if trial.state in states]
