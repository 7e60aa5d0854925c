"""Measure saved adapters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError, DataError
from autopeft.launch import Groundwork, SearchPlan, groundwork
from autopeft.launch.groundwork import kind_settings
from autopeft.methods import load
from autopeft.methods.storage import read_manifest
from autopeft.saved import USE_FILE, Use, check_one_task
from autopeft.saved.companions import ROLES_FILE
from autopeft.tasks import KINDS, Task
from autopeft.training.evaluation import Evaluation
from autopeft.training.measuring import measure, paper
from autopeft.training.seen import seen_rows
from autopeft.trials import TrialSetting, kind_of, pick_device
from autopeft.trials.settled import read_settled, settle

__all__ = ["as_known", "evaluate", "evaluation_ground"]


def evaluation_ground(folder: Path, settings: Mapping[str, Any]) -> Groundwork:
    """Load the data that saved adapters are to be measured on, and the model that they are for.

    Args:
        folder: The adapters.
        settings: Fields of `SearchPlan`; the kind of the task, where texts are cut, the precision and the model are
            as in training when left out.

    Raises:
        AutopeftError: For whatever a user can mend.
    """
    check_one_task(folder)
    known = _as_trained(folder, "model" in settings)
    return groundwork(SearchPlan.of({**known, **settings}, "flags"))


def _as_trained(folder: Path, model_given: bool) -> dict[str, Any]:
    _, model = read_manifest(folder)
    if not (folder / USE_FILE).is_file():
        # Adapters of an earlier version.
        return {"model": model}
    use = Use.read(folder)
    found: dict[str, Any] = {"kind": use.kind, "max_length": use.max_length, "precision": use.precision}
    found |= {name: use.how[name] for name in kind_settings() if name in use.how}
    found |= KINDS[use.kind].remembered(use.reads)
    if use.base is not None and not model_given:
        found |= {"model": use.base.path, "revision": use.base.revision}
    if use.base is not None and use.base.quantization:
        found[f"load_in_{use.base.quantization}"] = True
    if (folder / ROLES_FILE).is_file():
        found["roles"] = folder / ROLES_FILE
    return found


def evaluate(
    folder: Path,
    backbone: Backbone,
    task: Task,
    setting: TrialSetting,
    split: Literal["validation", "test"] = "test",
) -> Evaluation:
    """Measure saved adapters, and their head, on a split of a task.

    Args:
        folder: What `autopeft.methods.save` wrote.
        backbone: The pretrained model they are for.
        task: The data; it may lack some of the labels that the adapters know.
        setting: Where texts are cut, the size of batches, and the precision.
        split: Which split.

    Returns:
        Every metric, the result by label, and how many of the rows the adapters were trained on.

    Raises:
        ConfigurationError: When the folder holds no adapters, or those of another model or number of labels.
        DataError: When the adapters do not know a label of the data.
    """
    task = as_known(task, folder)
    task = kind_of(task).standing(task, backbone, setting)
    kind = kind_of(task)
    model = kind.model(backbone, pick_device())
    tokenizer = backbone.tokenizer()
    on = paper(task, split, model, tokenizer, setting)
    configuration = load(folder, model, backbone.anatomy)
    settle(model.config, read_settled(kind.settles, folder))
    found = measure(model, on, tokenizer, setting)
    examples = task.splits[split]
    seen = seen_rows(folder, task.kind, examples)
    what = configuration.describe()
    return Evaluation(what, split, len(examples), seen, found.figures, found.labels, found.confusion)


def as_known(task: Task, folder: Path) -> Task:
    """Return a task as saved adapters know it.

    Raises:
        ConfigurationError: When they are of another kind of task.
        DataError: When they do not know something in it.
    """
    # Adapters of an earlier version do not say.
    if not (folder / USE_FILE).is_file():
        return task
    use = Use.read(folder)
    if use.kind != task.kind.name:
        raise ConfigurationError(
            f"the adapters of {folder} are for a task of {use.kind}, and {task.name} is one of {task.kind.name}; name "
            f"the kind by --kind {use.kind}, or other data"
        )
    try:
        return task.kind.known_as(task, use.reads)
    except DataError as error:
        raise DataError(f"the adapters of {folder} {error}") from None
