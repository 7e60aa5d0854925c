"""Measure saved adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from autopeft.backbones import Backbone
from autopeft.errors import DataError
from autopeft.launch import Groundwork, SearchPlan, groundwork
from autopeft.methods import load
from autopeft.methods.storage import read_manifest
from autopeft.saved import USE_FILE, Use
from autopeft.saved.companions import ROLES_FILE
from autopeft.tasks import CausalTask, Split, Task
from autopeft.tasks.intake import listed
from autopeft.training.evaluation import Evaluation, by_label
from autopeft.training.measuring import measure
from autopeft.training.seen import seen_rows
from autopeft.trials import TrialSetting, kind_of, pick_device

__all__ = ["evaluate", "evaluation_ground"]


def evaluation_ground(folder: Path, settings: Mapping[str, Any]) -> Groundwork:
    """Load the data that saved adapters are to be measured on, and the model that they are for.

    Args:
        folder: The adapters.
        settings: Fields of `SearchPlan`; where texts are cut, the precision and the model are as in training when
            left out.

    Raises:
        AutopeftError: For whatever a user can mend.
    """
    return groundwork(SearchPlan.of({**_as_trained(folder, "model" in settings), **settings}, "flags"))


def _as_trained(folder: Path, model_given: bool) -> dict[str, Any]:
    _, model = read_manifest(folder)
    if not (folder / USE_FILE).is_file():
        # Adapters of an earlier version.
        return {"model": model}
    use = Use.read(folder)
    found: dict[str, Any] = {"max_length": use.max_length, "precision": use.precision}
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
    task: Task | CausalTask,
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
    if isinstance(task, Task):
        task = _as_numbered(task, folder)
    model = kind_of(task).model(backbone, pick_device())
    configuration = load(folder, model, backbone.anatomy)
    figures, confusion = measure(model, task, split, backbone.tokenizer(), setting)
    examples = task.splits[split]
    found = Evaluation(configuration.describe(), split, len(examples), seen_rows(folder, examples), figures)
    if not isinstance(task, Task) or confusion is None:
        return found
    return replace(
        found, labels=by_label(task.labels, confusion), confusion=tuple(tuple(row) for row in confusion.tolist())
    )


def _as_numbered(task: Task, folder: Path) -> Task:
    """Return a task whose labels have the numbers that saved adapters know them by.

    Raises:
        DataError: When they do not know one.
    """
    # Adapters of an earlier version do not say.
    known = Use.read(folder).labels if (folder / USE_FILE).is_file() else task.labels
    if known == task.labels:
        return task
    others = [f"'{label}'" for label in task.labels if label not in known]
    if others:
        raise DataError(
            f"the adapters of {folder} do not know {listed(others)}, labels of {task.name}; they know "
            f"{listed([repr(label) for label in known])}. Name the column of their labels by --label"
        )
    number = [known.index(label) for label in task.labels]
    train, validation, test = (
        Split(split.texts, [number[label] for label in split.labels]) for split in task.splits.values()
    )
    return replace(task, labels=known, train=train, validation=validation, test=test)
