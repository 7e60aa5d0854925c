"""Ray's workers that do errands, as a task of the process that speaks to Ray."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ray

from autopeft.errors import RunError
from autopeft.launch.away import Brought, sent
from autopeft.launch.job import WorkerJob
from autopeft.launch.ray_child import Asking
from autopeft.launch.ray_cluster import Room, claim
from autopeft.launch.ray_tasks import fault_of
from autopeft.shut import shut

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
    hands = _Hands(asking, job, gpus)
    room = Room(workers, gpus)
    waiting: deque[_Task] = deque()
    working: dict[Any, tuple[_Task, Any]] = {}
    while True:
        while len(working) + len(waiting) < room() and (named := asking.ask("next")) is not None:
            waiting.append(_Task(*named))
        while waiting and hands.idle:
            task, worker = waiting.popleft(), hands.idle.pop()
            working[worker.do.remote(hands.given(task.errand))] = task, worker
        if not working and not waiting:
            return
        hands.call(len(waiting), room() - len(working))
        [done], _ = ray.wait([*working, *hands.coming], num_returns=1)
        if done in hands.coming:
            if not hands.came(done) and waiting:
                waiting.append(waiting.popleft().died("it did not start"))
            continue
        task, worker = working.pop(done)
        try:
            result = ray.get(done)
            if isinstance(result, Brought):
                result = result.put(task.errand.folder)
        except ray.exceptions.RayTaskError as error:
            hands.idle.append(worker)
            raise fault_of(error) from error
        except (ray.exceptions.RayActorError, ray.exceptions.ObjectLostError) as error:
            # One that has done something before may have gone with its machine, while it was idle.
            waiting.append(task if worker in hands.proven else task.died(str(error)))
            continue
        hands.idle.append(worker)
        hands.proven.add(worker)
        asking.ask("done", task.number, result)


@dataclass(frozen=True)
class _Task:
    """An errand with its number, and how often a worker died over it."""

    number: int
    errand: Any
    deaths: int = 0

    def died(self, how: str) -> _Task:
        """Return it with one death more.

        Raises:
            RunError: When there are too many.
        """
        if self.deaths == _RETRIES:
            raise RunError(
                f"{self.deaths + 1} workers died over the same work, the last one so: {how}\n"
                "what is finished is kept; mend the cause and run the same command again"
            )
        return replace(self, deaths=self.deaths + 1)


class _Hands:
    """The workers: those that wait for something to do, and those that Ray has been asked for.

    An errand is given to none that has not come: where a node has left there may never be room for one, while others
    are idle.
    """

    def __init__(self, asking: Asking, job: WorkerJob, gpus: float) -> None:
        self.idle: list[Any] = asking.kept.setdefault(_IDLE, [])
        self.coming: dict[Any, Any] = {}
        self.proven: set[Any] = set(self.idle)
        self._home, self._job, self._gpus = asking.home, job, gpus

    def given(self, errand: Any) -> Any:
        """Return an errand as a worker can do it, wherever that is."""
        return errand if self._home is None else sent(errand, self._home)

    def call(self, wanted: int, room: int) -> None:
        """Ask for workers until so many come, but for no more than there is room for."""
        while len(self.coming) < min(wanted, room):
            worker = ray.remote(**claim(self._gpus))(_Worker).remote(self._job)
            self.coming[worker.come.remote()] = worker

    def came(self, ready: Any) -> bool:
        """Take in a worker that has come; tell whether it has, or died before."""
        worker = self.coming.pop(ready)
        try:
            ray.get(ready)
        except ray.exceptions.RayActorError:
            return False
        self.idle.append(worker)
        return True


class _Worker:
    """A process with a warm runner, loaded at its first errand."""

    def __init__(self, job: WorkerJob) -> None:
        self._job = job
        self._runner: Any = None

    def come(self) -> None:
        """Do nothing, once there."""

    def do(self, errand: Callable[[Any], Any]) -> Any:
        """Do an errand."""
        with shut():
            if self._runner is None:
                self._runner = self._job.runner()
            return errand(self._runner)
