"""Measure saved adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from autopeft.backbones import Backbone
from autopeft.methods import load
from autopeft.tasks import CausalTask, Task, collate, grouped, pad_id_of
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
    kind = kind_of(task)
    device = pick_device()
    model = kind.model(backbone, device)
    load(folder, model, backbone.anatomy)
    tokenizer = backbone.tokenizer()
    encoded = kind.encode(task.splits[split], tokenizer, setting.max_length)
    batches = [
        (rows, collate(encoded, rows, pad_id_of(tokenizer))) for rows in grouped(encoded, 2 * setting.batch_size)
    ]
    return kind.measure(model.eval(), batches, setting.precision, lambda rows, longest: None)
