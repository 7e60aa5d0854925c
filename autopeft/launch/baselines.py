"""What every search is compared with, in line before its own proposals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import optuna
from optuna.trial import TrialState

from autopeft.methods import HEAD_ONLY, REFERENCES, Reference
from autopeft.space import BackboneShape, BoundSpace, Configuration
from autopeft.study import BEYOND, CLAIM, counted, enqueue, is_void

__all__ = ["GIVEN", "baselines_of", "enqueue_baselines", "enqueue_given"]

#: User attribute of a trial that was asked for by name.
GIVEN = "given"


def baselines_of(
    shape: BackboneShape, learning_rate: float, references: Iterable[Reference]
) -> Mapping[str, Configuration]:
    """Return the baselines of a search by their names: the untouched model, then references.

    Args:
        shape: The backbone.
        learning_rate: Peak learning rate of stock LoRA, after which those of the others go.
        references: Which there are.
    """
    found = {each.name: each.configuration(shape, each.pace * learning_rate) for each in references}
    return {"head-only": HEAD_ONLY, **found}


def enqueue_given(study: optuna.Study, space: BoundSpace, given: Mapping[str, Configuration]) -> None:
    """Put configurations in line that are asked for by name as far as a study lacks them."""
    there = {trial.user_attrs.get(GIVEN) for trial in study.get_trials(deepcopy=False) if not is_void(trial)}
    for name, configuration in given.items():
        if name not in there:
            enqueue(study, space, configuration, {GIVEN: name, CLAIM: f"given {name}"})


def enqueue_baselines(
    study: optuna.Study,
    space: BoundSpace,
    baselines: Mapping[str, Configuration],
    total: int,
    fits: Callable[[Configuration], bool],
    say: Callable[[str], None],
) -> None:
    """Put baselines in line that a study lacks, as far as it has room for further trials.

    Args:
        study: The study.
        space: Its space, which baselines may lie outside of.
        baselines: By name.
        total: Trials that the study shall have.
        fits: Whether a configuration is predicted to keep a budget of memory.
        say: Hears which references are left out.
    """
    there = {trial.user_attrs.get("baseline") for trial in study.get_trials(deepcopy=False) if not is_void(trial)}
    waiting = len(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))
    missing = [name for name in baselines if name not in there]
    for name in missing[: max(0, total - counted(study) - waiting)]:
        beyond = {} if fits(baselines[name]) else {BEYOND: True}
        enqueue(study, space, baselines[name], {"baseline": name, CLAIM: f"baseline {name}", **beyond})
        there.add(name)
    left_out = [each.title for each in REFERENCES if each.name not in there]
    if left_out:
        say(f"references without a trial in this search: {', '.join(left_out)}; more --trials bring them")
