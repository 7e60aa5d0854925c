"""The knobs of a run's space, and the trials at its points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from autopeft.errors import AutopeftError
from autopeft.methods import VOCABULARY
from autopeft.reporting.chart import Absent
from autopeft.reporting.run import Run
from autopeft.space import BoundSpace, SearchSpace

__all__ = ["active_params", "bound_space", "trials_of_space"]


def bound_space(run: Run) -> BoundSpace | Absent:
    """Return the space of a run on its backbone."""
    if isinstance(run.backbone, Absent):
        return run.backbone
    try:
        return SearchSpace.from_dict(run.spec["space"]).bind(VOCABULARY, run.backbone.shape)
    except AutopeftError as error:
        return Absent(f"the space cannot be read: {error}")


def trials_of_space(run: Run) -> list[FrozenTrial]:
    """Return the trials that finished at points of the space, failures aside."""
    complete = run.result.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    finished = {trial.number for trial in run.trials if trial.accuracy is not None}
    return [trial for trial in complete if trial.params and trial.number in finished]


def active_params(trial: FrozenTrial, space: BoundSpace) -> Mapping[str, Any]:
    """Return the parameters of a trial that mattered: no rank where its method was off."""
    active = space.active(trial.params)
    return {name: value for name, value in trial.params.items() if name in active}
