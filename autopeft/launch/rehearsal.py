"""Before the first trial what trials do is tried where they run, while nothing has been written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from autopeft.errors import StudyError
from autopeft.launch.cluster import Cluster
from autopeft.launch.job import WorkerJob
from autopeft.launch.places import Places
from autopeft.launch.ray_process import RayProcess, WorkerDiedError
from autopeft.space import Configuration
from autopeft.study import check_folder, has_results, load_study, locked, prepare_folder

if TYPE_CHECKING:
    from autopeft.launch.preparation import Preparation

__all__ = ["at_work", "rehearse"]


@contextmanager
def at_work(
    prepared: Preparation, places: Places, *, fresh: bool, say: Callable[[str], None]
) -> Iterator[RayProcess | None]:
    """Hold the run folder of a search, which is made once a trial has been rehearsed, if none has any result yet.

    Args:
        prepared: The search.
        places: Where its trials run.
        fresh: Whether the trials there are do not count.
        say: Tells the user.

    Yields:
        What speaks to Ray; None where trials run in this process.

    Raises:
        AutopeftError: When another process works in the folder, it cannot be written, or trials would fail.
    """
    folder, plan = prepared.folder, prepared.plan
    check_folder(folder)
    with ExitStack() as held:
        there = folder.is_dir()
        if there:
            held.enter_context(locked(folder))
        # Started once for the rehearsal and the trials.
        ray = None if plan.workers == 0 else held.enter_context(RayProcess(places, plan.ray_address, plan.workers))
        if ray is not None and ray.cluster is not None:
            say(_found(ray.cluster, ray.places, prepared.job))
        if fresh or not (there and _has_results(prepared)):
            rehearse(prepared.job, prepared.stock, ray, say)
        prepare_folder(folder)
        if not there:
            held.enter_context(locked(folder))
        yield ray


def _found(cluster: Cluster, places: Places, job: WorkerJob) -> str:
    """Say what a cluster has, and what it is brought."""
    brought = job.baggage.describe() if job.baggage else ""
    lacking = f"; nodes that do not have it are brought {brought}" if brought else ""
    return f"cluster {cluster.describe()}; {cluster.at_once(places)}{lacking}"


def _has_results(prepared: Preparation) -> bool:
    """Tell whether the study there is, if any, has trials that were measured."""
    storage = prepared.plan.storage
    try:
        return has_results(load_study(prepared.folder, storage, prepared.name if storage else None))
    except StudyError:
        return False


def rehearse(job: WorkerJob, configuration: Configuration, ray: RayProcess | None, say: Callable[[str], None]) -> None:
    """Do a training step on the longest batch and measure the untouched model, in a worker like those of trials.

    What may be the machine's fault is told and left to the trials, which try again.

    Args:
        job: What each worker loads.
        configuration: What to train.
        ray: Speaks to Ray; None where trials run in this process.
        say: Tells the user.

    Raises:
        AutopeftError: When something fails that would fail every trial.
    """
    do = partial(job.rehearse, configuration.text)
    try:
        enough = do() if ray is None else ray.in_worker(do)
    except WorkerDiedError as error:
        say(f"the rehearsal of a trial has no result: {error}")
        return
    if not enough:
        say("the rehearsal of a trial ran out of memory; trials compute fewer texts at once where they do")
