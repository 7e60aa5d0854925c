"""Trains picks on the whole training split with fresh seeds, and measures them on test once."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from autopeft.launch import Preparation, WorkerJob
from autopeft.space import Configuration
from autopeft.trials import TrialSetting

__all__ = ["SEEDS", "whole", "whole_setting"]

#: Seeds that no search has used.
SEEDS = (101, 102, 103, 104, 105)

_WORKERS = 2

#: That of a worker.
_runner: Any = None


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
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(_WORKERS, len(seeds)), context, _begin, (job,)) as pool:
        found = list(pool.map(_once, [configuration] * len(seeds), seeds))
    return {split: np.stack([scores[split] for scores in found]) for split in found[0]}


def _begin(job: WorkerJob) -> None:
    """Load weights and data, once a worker."""
    global _runner
    _runner = job.runner()


def _once(configuration: Configuration, seed: int) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as scratch:
        outcome = _runner.run(configuration, seed, folder=Path(scratch), brief=True)
        if outcome.status != "complete":
            raise RuntimeError(f"{configuration.describe()}, seed {seed}: {outcome.status}: {outcome.message}")
        return {split: _runner.score(Path(scratch), split) for split in ("validation", "test")}
