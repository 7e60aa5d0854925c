"""Trains configurations to their end, as trials of searches are trained, several at once."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from autopeft.launch.job import WorkerJob
from autopeft.space import Configuration

__all__ = ["Training", "scored", "trained"]


@dataclass(frozen=True)
class Training:
    """What is to be trained.

    Args:
        key: What it is known by.
        name: Names the job: a worker loads weights and data once for each.
        job: How trials of it train.
        configuration: The configuration.
        seed: Seed of the trial.
    """

    key: Hashable
    name: str
    job: WorkerJob
    configuration: Configuration
    seed: int


#: A worker's runners by the name of the job.
_runners: dict[str, Any] = {}


def trained(trainings: Iterable[Training], workers: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the key and the outcome of each training as it ends.

    Args:
        trainings: What is trained, in this order.
        workers: How many at once.

    Raises:
        RuntimeError: When one fails by a fault in code or data.
    """
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        waiting: dict[Future[dict[str, Any]], Training] = {pool.submit(_train, each): each for each in trainings}
        for future in as_completed(waiting):
            outcome, training = future.result(), waiting[future]
            if outcome["status"] == "error":
                raise RuntimeError(f"{training.name}, {training.key}: {outcome['message']}\n{outcome['detail']}")
            yield training.key, outcome
    finally:
        pool.shutdown(cancel_futures=True)


def _train(training: Training) -> dict[str, Any]:
    """Train to the end, in a worker."""
    if training.name not in _runners:
        _runners[training.name] = training.job.runner()
    job = replace(training.job, seed=training.seed)
    trial = job.start(_runners[training.name], training.configuration)
    while True:
        try:
            next(trial)
        except StopIteration as end:
            outcome: dict[str, Any] = end.value
            return outcome


def scored(
    job: WorkerJob, configuration: Configuration, seeds: Sequence[int], workers: int = 2, full: bool = False
) -> dict[str, np.ndarray]:
    """Train a configuration with several seeds and score what comes out.

    Args:
        job: How it is trained.
        configuration: What is trained.
        seeds: Seeds.
        workers: How many trainings at once.
        full: Whether the whole backbone trains.

    Returns:
        Scores on validation and test, `[seeds, examples]`; their means are the metric.

    Raises:
        RuntimeError: When a training fails.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(seeds)), context) as pool:
        found = list(pool.map(partial(_score, job, configuration, full), seeds))
    return {split: np.stack([scores[split] for scores in found]) for split in found[0]}


def _score(job: WorkerJob, configuration: Configuration, full: bool, seed: int) -> dict[str, np.ndarray]:
    """Train and score, in a worker that serves one job."""
    if not _runners:
        _runners[""] = job.runner()
    runner = _runners[""]
    with tempfile.TemporaryDirectory() as scratch:
        outcome = runner.run(configuration, seed, folder=Path(scratch), brief=True, full=full)
        if outcome.status != "complete":
            raise RuntimeError(f"{configuration.describe()}, seed {seed}: {outcome.status}: {outcome.message}")
        return {split: runner.score(Path(scratch), split) for split in ("validation", "test")}
