"""Which knobs mattered for each objective."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, create_trial

from autopeft.reporting.chart import Absent
from autopeft.reporting.data.knobs import active_params, bound_space, trials_of_space
from autopeft.reporting.run import Run

__all__ = ["BEST", "Importance", "knob_importances"]

#: The share of the trials that importances explain: what it took to be among them.
BEST = 0.25

#: Fewer trials tell nothing.
_LEAST = 8


@dataclass(frozen=True)
class Importance:
    """How much each knob mattered for one objective.

    Args:
        objective: `accuracy`, or the name of a cost.
        shares: The knobs by falling importance; they add up to 1.
        trials: How many trials tell.
    """

    objective: str
    shares: tuple[tuple[str, float], ...]
    trials: int


def knob_importances(run: Run) -> tuple[Importance, ...] | Absent:
    """Return the importance of each knob for being among the best quarter in each objective, accuracy first.

    By PED-ANOVA (Watanabe et al., IJCAI 2023), Optuna's default evaluator; where the backbone is at hand, a knob
    counts in those trials only in which it mattered.
    """
    space = bound_space(run)
    told = trials_of_space(run)
    if len(told) < _LEAST:
        return Absent(f"fewer than {_LEAST} trials of the space have finished ({len(told)})")
    study = optuna.create_study(directions=run.result.study.directions)
    for trial in told:
        params = trial.params if isinstance(space, Absent) else active_params(trial, space)
        distributions = {name: trial.distributions[name] for name in params}
        study.add_trial(create_trial(values=trial.values, params=dict(params), distributions=distributions))
    objectives = [*run.result.scale.costs, "accuracy"]
    return tuple(_importance(study, objectives, place) for place in (-1, *range(len(objectives) - 1)))


def _importance(study: optuna.Study, objectives: list[str], place: int) -> Importance:
    # The evaluator takes low values for good ones.
    target: Callable[[FrozenTrial], float] = partial(_value, place=place, sign=-1.0 if place == -1 else 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = PedAnovaImportanceEvaluator(target_quantile=BEST)
        found = get_param_importances(study, evaluator=evaluator, target=target)
    return Importance(objectives[place], tuple(found.items()), len(study.get_trials(deepcopy=False)))


def _value(trial: FrozenTrial, place: int, sign: float) -> float:
    return sign * float(trial.values[place])
