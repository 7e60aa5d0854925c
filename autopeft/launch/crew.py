"""Workers that keep a warm trial runner each and do errands with it, several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

from autopeft.errors import RunError
from autopeft.launch.job import WorkerJob
from autopeft.launch.places import places_of
from autopeft.launch.plan import SearchPlan

__all__ = ["Crew", "Errand"]

#: What a worker does with its runner; picklable, and so is what it returns.
Errand = Callable[[Any], Any]

#: How often an errand is done again whose worker died.
_RETRIES = 2


class Crew:
    """The workers of a plan, to be used as a context: they end with it.

    Args:
        plan: Says how many workers, and where; with 0 errands are done in this process.
        job: What each worker loads.
    """

    def __init__(self, plan: SearchPlan, job: WorkerJob) -> None:
        self._places = places_of(plan)
        self._address = plan.ray_address
        self._job = job
        self._here = plan.workers == 0
        self._runner: Any = None
        self._idle: list[Any] = []
        self._started = False

    @property
    def size(self) -> int:
        """How many errands are done at once."""
        return 1 if self._here else self._places.workers

    def __enter__(self) -> Crew:
        if not self._here:
            from autopeft.launch.ray_runtime import start_ray

            self._started = start_ray(self._places.workers, self._places.gpus, self._address)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._here:
            return
        import ray

        for worker in self._idle:
            ray.kill(worker)
        if self._started:
            from autopeft.launch.ray_runtime import stop_ray

            stop_ray()

    def do(self, errands: Sequence[Errand]) -> Iterator[tuple[int, Any]]:
        """Do errands; yield the index of each and what it returned, as they finish.

        Raises:
            AutopeftError: When a worker cannot load what it needs, or an errand finds what a user can mend.
            RunError: When an errand fails for another reason, or its workers keep dying.
        """
        return self._do_here(errands) if self._here else self._do_in_workers(errands)

    def _do_here(self, errands: Sequence[Errand]) -> Iterator[tuple[int, Any]]:
        if self._runner is None:
            self._runner = self._job.runner()
        for index, errand in enumerate(errands):
            yield index, errand(self._runner)

    def _do_in_workers(self, errands: Sequence[Errand]) -> Iterator[tuple[int, Any]]:
        import ray

        waiting = list(enumerate(errands))[::-1]
        deaths = dict.fromkeys(range(len(errands)), 0)
        working: dict[Any, tuple[int, Any]] = {}
        while waiting or working:
            while waiting and len(working) < self._places.workers:
                index, errand = waiting.pop()
                worker = self._idle.pop() if self._idle else self._hire()
                working[worker.do.remote(errand)] = index, worker
            [done], _ = ray.wait(list(working), num_returns=1)
            index, worker = working.pop(done)
            try:
                result = ray.get(done)
            except ray.exceptions.RayTaskError as error:
                from autopeft.launch.ray_tasks import fault_of

                self._idle.append(worker)
                raise fault_of(error) from error
            except ray.exceptions.RayActorError as error:
                deaths[index] += 1
                if deaths[index] > _RETRIES:
                    raise RunError(
                        f"{deaths[index]} workers died over the same work, the last one so: {error}\n"
                        "what is finished is kept; mend the cause and run the same command again"
                    ) from None
                waiting.append((index, errands[index]))
                continue
            self._idle.append(worker)
            yield index, result

    def _hire(self) -> Any:
        import ray

        return ray.remote(num_cpus=1, num_gpus=self._places.gpus)(_Worker).remote(self._job)


class _Worker:
    """A process with a warm runner, loaded at its first errand."""

    def __init__(self, job: WorkerJob) -> None:
        self._job = job
        self._runner: Any = None

    def do(self, errand: Errand) -> Any:
        """Do an errand."""
        if self._runner is None:
            self._runner = self._job.runner()
        return errand(self._runner)
