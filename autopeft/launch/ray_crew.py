"""Ray's workers that do errands, as a task of the process that speaks to Ray."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ray

from autopeft.errors import RunError
from autopeft.launch.away import Brought, sent
from autopeft.launch.job import WorkerJob
from autopeft.launch.ray_child import Asking
from autopeft.launch.ray_cluster import Room, claim
from autopeft.launch.ray_tasks import fault_of

__all__ = ["follow"]

#: How often an errand is done again whose worker died.
_RETRIES = 2

#: Under which idle workers are kept, with what they have loaded, for the next task.
_IDLE = "idle workers"


def follow(asking: Asking, job: WorkerJob, workers: int | None, gpus: float) -> None:
    """Do errands that are named as workers fall idle.

    Args:
        asking: Asked for the `next` errand, with a number, or None when there is none before another is done; and told
            when one is `done`, with its number and what it returned.
        job: What each worker loads.
        workers: How many errands are done at once; None for as many as the cluster has room for.
        gpus: GPUs of a worker.

    Raises:
        AutopeftError: When a worker cannot load what it needs, or an errand finds what a user can mend.
        RunError: When an errand fails for another reason, or its workers keep dying.
    """
    idle: list[Any] = asking.kept.setdefault(_IDLE, [])
    room, home = Room(workers, gpus), asking.home
    again: list[tuple[int, Any, int]] = []
    working: dict[Any, tuple[int, Any, int, Any]] = {}
    while True:
        while len(working) < room():
            if again:
                number, errand, deaths = again.pop()
            elif (named := asking.ask("next")) is not None:
                (number, errand), deaths = named, 0
            else:
                break
            # An idle worker may have gone with its machine, which is no fault of the errand's.
            deaths -= bool(idle)
            worker = idle.pop() if idle else ray.remote(**claim(gpus))(_Worker).remote(job)
            done = worker.do.remote(errand if home is None else sent(errand, home))
            working[done] = number, errand, deaths, worker
        if not working:
            return
        [done], _ = ray.wait(list(working), num_returns=1)
        number, errand, deaths, worker = working.pop(done)
        try:
            result = ray.get(done)
            if isinstance(result, Brought):
                result = result.put(errand.folder)
        except ray.exceptions.RayTaskError as error:
            idle.append(worker)
            raise fault_of(error) from error
        except (ray.exceptions.RayActorError, ray.exceptions.ObjectLostError) as error:
            deaths += 1
            if deaths > _RETRIES:
                raise RunError(
                    f"{deaths} workers died over the same work, the last one so: {error}\n"
                    "what is finished is kept; mend the cause and run the same command again"
                ) from None
            again.append((number, errand, deaths))
            continue
        idle.append(worker)
        asking.ask("done", number, result)


class _Worker:
    """A process with a warm runner, loaded at its first errand."""

    def __init__(self, job: WorkerJob) -> None:
        self._job = job
        self._runner: Any = None

    def do(self, errand: Callable[[Any], Any]) -> Any:
        """Do an errand."""
        if self._runner is None:
            self._runner = self._job.runner()
        return errand(self._runner)
