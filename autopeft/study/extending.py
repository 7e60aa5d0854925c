"""Go on with a study in another space: old trials come along.

Optuna refuses changed distributions, so the trials move to a new study in the same database.
"""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from autopeft.errors import StudyError
from autopeft.samplers import is_own
from autopeft.space import BoundSpace, Configuration
from autopeft.study.leases import Watch
from autopeft.study.records import OUTSIDE, enqueue
from autopeft.study.spec import StudySpec
from autopeft.study.storage import new_study

__all__ = ["extend_study"]

#: The study's user attribute that says whether trials are still coming to it from the one before.
_MOVING = "moving"


def extend_study(
    old: optuna.Study,
    folder: Path,
    spec: StudySpec,
    space: BoundSpace,
    sampler: BaseSampler,
    *,
    name: str,
    alone: bool = False,
) -> optuna.Study:
    """Move a study to another space; every trial is kept, with its number.

    Trials that fit the new space get its parameters. The others stay as data, marked `outside`: their
    configurations are not proposed again, and nothing is learnt from them.

    Args:
        old: The study there is; dropped when its trials have moved.
        folder: The run folder, for messages.
        spec: The spec with the new space.
        space: The new space.
        sampler: The sampler of this run.
        name: Name of the new study.
        alone: Whether nobody but this process works on it.

    Returns:
        The new study; `old` itself when it has this spec already.

    Raises:
        StudyError: When more than the space differs, or trials are at work elsewhere.
    """
    differences = spec.differences(old.user_attrs.get("spec", {}))
    if not differences:
        old.sampler = sampler
        return old
    others = [line for line in differences if not line.startswith("space")]
    if others:
        listed = "\n".join(f"  {line}" for line in others)
        raise StudyError(f"--extend changes the space of {folder} and nothing else, but:\n{listed}")
    Watch(old, space).free(alone=alone)
    working = old.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    if working:
        raise StudyError(f"trial {working[0].number} of {folder} is being run; let that search end before --extend")
    moved = _moved_before(old, name)
    if moved is not None:
        moved.sampler = sampler
        optuna.delete_study(study_name=old.study_name, storage=old._storage)
        return moved
    study = new_study(old._storage, name, spec, sampler)
    study.set_user_attr(_MOVING, True)
    for trial in old.get_trials(deepcopy=False):
        if trial.state == TrialState.WAITING:
            attrs = {key: value for key, value in trial.user_attrs.items() if key != "configuration"}
            enqueue(study, space, Configuration.from_dict(trial.user_attrs["configuration"]), attrs)
        else:
            study.add_trial(_moved(trial, space))
    study.set_user_attr(_MOVING, False)
    optuna.delete_study(study_name=old.study_name, storage=old._storage)
    return study


def _moved_before(old: optuna.Study, name: str) -> optuna.Study | None:
    """Return the new study where a process has moved all trials, and was killed before it had dropped the old one.

    One that was killed before that has left a part, which is dropped.

    Raises:
        StudyError: When there is a study of this name that has come about otherwise.
    """
    if name not in optuna.get_all_study_names(old._storage):
        return None
    study = optuna.load_study(study_name=name, storage=old._storage)
    moving = study.user_attrs.get(_MOVING)
    if moving is None and study.get_trials(deepcopy=False):
        raise StudyError(
            f"the storage holds a study of the changed space already, {name}; go on with it by another --out, without "
            "--extend"
        )
    if moving is False:
        return study
    optuna.delete_study(study_name=name, storage=old._storage)
    return None


def _moved(trial: FrozenTrial, space: BoundSpace) -> FrozenTrial:
    """Return a finished trial with the parameters of a space, or without any and marked."""
    attrs = {key: value for key, value in trial.user_attrs.items() if key != OUTSIDE}
    given = attrs.get("configuration")
    configuration = None if given is None else Configuration.from_dict(given)
    params = {}
    if configuration is not None and space.contains(configuration):
        params = space.encode(configuration)
    elif "baseline" not in attrs and is_own(trial):
        attrs[OUTSIDE] = True
    distributions = space.distributions()
    return create_trial(
        state=trial.state,
        values=trial.values,
        params=params,
        distributions={key: distributions[key] for key in params},
        user_attrs=attrs,
        constraints=trial.constraints or None,
    )
