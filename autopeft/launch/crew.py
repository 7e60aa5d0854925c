"""Workers that keep a warm trial runner each and do errands with it, several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

from autopeft.launch.job import WorkerJob
from autopeft.launch.places import places_of
from autopeft.launch.plan import SearchPlan
from autopeft.launch.ray_process import RayGoneError, RayProcess

__all__ = ["Crew", "Errand"]

#: What a worker does with its runner; picklable, and so is what it returns.
Errand = Callable[[Any], Any]

K = TypeVar("K")


class Crew:
    """The workers of a plan, to be used as a context: they end with it.

    Args:
        plan: Says how many workers, and where; with 0 errands are done in this process.
        job: What each worker loads.
    """

    def __init__(self, plan: SearchPlan, job: WorkerJob) -> None:
        self._job = job
        self._runner: Any = None
        self._ray = None if plan.workers == 0 else RayProcess(places_of(plan), plan.ray_address, plan.workers)

    @property
    def size(self) -> int:
        """How many errands are done at once, by what the cluster has at first.

        Raises:
            AutopeftError: When there is no cluster at the address, or no room on it.
        """
        return 1 if self._ray is None else self._ray.places.workers

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ray is not None:
            self._ray.__exit__(kind, error, trace)

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
        return self._here_follow(name) if self._ray is None else self._workers_follow(self._ray, name)

    def _here_follow(self, name: Callable[[], tuple[K, Errand] | None]) -> Iterator[tuple[K, Any]]:
        while (job := name()) is not None:
            if self._runner is None:
                self._runner = self._job.runner()
            yield job[0], job[1](self._runner)

    def _workers_follow(self, ray: RayProcess, name: Callable[[], tuple[K, Errand] | None]) -> Iterator[tuple[K, Any]]:
        under_way: dict[int, tuple[K, Errand]] = {}
        again: list[int] = []
        while True:
            talk = ray.talk(
                "autopeft.launch.ray_crew:follow",
                {"job": self._job, "workers": ray.at_most, "gpus": ray.places.gpus},
            )
            answer: Any = None
            try:
                while True:
                    request = talk.send(answer)
                    if request.name == "done":
                        number, result = request.args
                        key, _ = under_way.pop(number)
                        yield key, result
                        answer = True, None
                    elif again:
                        number = again.pop()
                        answer = True, (number, under_way[number][1])
                    elif (named := name()) is not None:
                        number = max(under_way, default=-1) + 1
                        under_way[number] = named
                        answer = True, (number, named[1])
                    else:
                        answer = True, None
            except StopIteration:
                return
            except RayGoneError as gone:
                ray.replaced(gone)
                again = sorted(under_way, reverse=True)
            finally:
                talk.close()
