"""Measure saved adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from autopeft.backbones import Backbone
from autopeft.methods import load
from autopeft.tasks import CausalTask, Task
from autopeft.training.measuring import measure
from autopeft.trials import TrialSetting, kind_of, pick_device

__all__ = ["evaluate"]


def evaluate(
    folder: Path,
    backbone: Backbone,
    task: Task | CausalTask,
    setting: TrialSetting,
    split: Literal["validation", "test"] = "test",
) -> dict[str, float]:
    """Measure saved adapters, and their head, on a split of a task.

    Args:
        folder: What `autopeft.methods.save` wrote.
        backbone: The pretrained model they are for.
        task: The data.
        setting: Where texts are cut, the size of batches, and the precision.
        split: Which split.

    Returns:
        Every metric, and `loss`.

    Raises:
        ConfigurationError: When the folder holds no adapters, or those of another model or number of labels.
    """
    model = kind_of(task).model(backbone, pick_device())
    load(folder, model, backbone.anatomy)
    return measure(model, task, split, backbone.tokenizer(), setting)
