"""Workers that keep a warm trial runner each and do errands with it, several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

from autopeft.errors import RunError
from autopeft.launch.job import WorkerJob
from autopeft.launch.places import places_of
from autopeft.launch.plan import SearchPlan

__all__ = ["Crew", "Errand"]

#: What a worker does with its runner; picklable, and so is what it returns.
Errand = Callable[[Any], Any]

K = TypeVar("K")

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
        listed = enumerate(errands)
        return self.follow(lambda: next(listed, None))

    def follow(self, name: Callable[[], tuple[K, Errand] | None]) -> Iterator[tuple[K, Any]]:
        """Do errands that are named as workers fall idle; yield what each is called and what it returned.

        Args:
            name: Returns an errand and what it is called; None when there is none, or none before another is done. It
                is asked again after each that was yielded.

        Raises:
            AutopeftError: When a worker cannot load what it needs, or an errand finds what a user can mend.
            RunError: When an errand fails for another reason, or its workers keep dying.
        """
        return self._here_follow(name) if self._here else self._workers_follow(name)

    def _here_follow(self, name: Callable[[], tuple[K, Errand] | None]) -> Iterator[tuple[K, Any]]:
        while (job := name()) is not None:
            if self._runner is None:
                self._runner = self._job.runner()
            yield job[0], job[1](self._runner)

    def _workers_follow(self, name: Callable[[], tuple[K, Errand] | None]) -> Iterator[tuple[K, Any]]:
        import ray

        again: list[tuple[K, Errand, int]] = []
        working: dict[Any, tuple[K, Errand, int, Any]] = {}
        while True:
            while len(working) < self._places.workers:
                if again:
                    key, errand, deaths = again.pop()
                elif (job := name()) is not None:
                    (key, errand), deaths = job, 0
                else:
                    break
                worker = self._idle.pop() if self._idle else self._hire()
                working[worker.do.remote(errand)] = key, errand, deaths, worker
            if not working:
                return
            [done], _ = ray.wait(list(working), num_returns=1)
            key, errand, deaths, worker = working.pop(done)
            try:
                result = ray.get(done)
            except ray.exceptions.RayTaskError as error:
                from autopeft.launch.ray_tasks import fault_of

                self._idle.append(worker)
                raise fault_of(error) from error
            except ray.exceptions.RayActorError as error:
                deaths += 1
                if deaths > _RETRIES:
                    raise RunError(
                        f"{deaths} workers died over the same work, the last one so: {error}\n"
                        "what is finished is kept; mend the cause and run the same command again"
                    ) from None
                again.append((key, errand, deaths))
                continue
            self._idle.append(worker)
            yield key, result

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
