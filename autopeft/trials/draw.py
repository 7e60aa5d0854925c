"""The examples that all trials of a study see."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks import Task
from autopeft.trials.setting import TrialSetting

__all__ = ["draw", "drawn"]


def draw(task: Task, setting: TrialSetting) -> tuple[Any, Any]:
    """Draw the training and the validation examples of a setting by its seed; they keep their order."""
    train, validation = drawn(task, setting)
    return task.train.take(train), task.validation.take(validation)


def drawn(task: Task, setting: TrialSetting) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of the examples that `draw` takes of each split, rising."""
    rng = np.random.default_rng(setting.seed)
    counts = ((task.train, setting.examples), (task.validation, setting.validation_examples))
    train, validation = (np.sort(rng.permutation(len(split))[:count]) for split, count in counts)
    return train, validation
