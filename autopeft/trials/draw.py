"""The examples that all trials of a study see."""

from __future__ import annotations

from typing import Any

import numpy as np

from autopeft.tasks import Task
from autopeft.trials.setting import TrialSetting

__all__ = ["draw"]


def draw(task: Task, setting: TrialSetting) -> tuple[Any, Any]:
    """Draw the training and the validation examples of a setting by its seed; they keep their order."""
    rng = np.random.default_rng(setting.seed)
    counts = ((task.train, setting.examples), (task.validation, setting.validation_examples))
    train, validation = (split.take(np.sort(rng.permutation(len(split))[:count])) for split, count in counts)
    return train, validation
