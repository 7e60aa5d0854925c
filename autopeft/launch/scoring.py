"""Scores of training rows that data levers go by: computed where trials run, once for a study, before the first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from autopeft.launch.job import WorkerJob
from autopeft.launch.places import places_of
from autopeft.launch.ray_process import RayProcess
from autopeft.levers import Score
from autopeft.trials.scores import Scores, kept_scores

if TYPE_CHECKING:
    from autopeft.launch.preparation import Preparation

__all__ = ["scored"]


def scored(
    prepared: Preparation,
    scores: Iterable[Score],
    run: Path,
    say: Callable[[str], None],
    *,
    job: WorkerJob | None = None,
    ray: RayProcess | None = None,
) -> WorkerJob:
    """Return what workers need, with scores of training rows, which the run folder keeps.

    Args:
        prepared: The search.
        scores: Those that configurations to be trained go by.
        run: Its folder.
        say: Tells the user.
        job: What workers need, where that differs from trials by their setting.
        ray: Speaks to Ray; when left out it is started for this alone, should it be needed.

    Raises:
        AutopeftError: When scores cannot be computed.
    """
    job = prepared.job if job is None else job
    asked = tuple(dict.fromkeys(scores))
    if not asked:
        return job
    # Rows are scored alike, however long what learns from them is trained.
    alike = replace(prepared.job, setting=replace(prepared.setting, examples=job.setting.examples))
    compute = partial(_computed, prepared, alike, ray, say)
    what = (run, prepared.spec.model, prepared.task, alike.setting, alike.seed)
    return replace(job, scores=kept_scores(*what, asked, compute))


def _computed(
    prepared: Preparation,
    job: WorkerJob,
    ray: RayProcess | None,
    say: Callable[[str], None],
    scores: Sequence[Score],
) -> Scores:
    """Compute scores in a worker like those of trials, or here where trials run here."""
    began, plan = time.monotonic(), prepared.plan
    listed = ", ".join(score.text for score in scores)
    pool = prepared.task.pool
    rows = f"{job.setting.examples:,} training rows" if pool is None else f"{len(pool):,} rows of the pool"
    say(f"scoring {rows} before any trial, for `select`: {listed}")
    compute = partial(job.score, scores)
    with ExitStack() as held:
        if ray is None and plan.workers != 0:
            ray = held.enter_context(RayProcess(places_of(plan), plan.ray_address, plan.workers))
        found: Scores = compute() if ray is None else ray.in_worker(compute)
    say(f"scored in {time.monotonic() - began:.1f} s; kept in the run folder")
    return found
