"""Trains picks on the whole training split with fresh seeds, and measures them on test once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autopeft.launch import Preparation
from autopeft.space import Configuration
from autopeft.trials import TrialSetting
from studies.trainings import scored

__all__ = ["SEEDS", "whole", "whole_setting"]

#: Seeds that no search has used.
SEEDS = (101, 102, 103, 104, 105)


def whole_setting(prepared: Preparation) -> TrialSetting:
    """Return how picks are trained: as trials, on all there is."""
    return replace(prepared.setting, examples=len(prepared.task.train), early_stopping=False)


def whole(prepared: Preparation, configuration: Configuration, seeds: Sequence[int] = SEEDS) -> dict[str, np.ndarray]:
    """Train a configuration on the whole training split.

    Args:
        prepared: A search on the task.
        configuration: What is trained, at the learning rate that suits this length.
        seeds: Seeds.

    Returns:
        Scores on validation and test, `[seeds, examples]`; their means are the metric.

    Raises:
        RuntimeError: When a training fails.
    """
    job = replace(prepared.job, setting=whole_setting(prepared))
    return scored(job, configuration, seeds)
