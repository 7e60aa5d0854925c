"""Run trials in Ray's workers, from a process without Ray."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from autopeft.launch.desk import Desk
from autopeft.launch.interrupts import ctrl_c
from autopeft.launch.job import WorkerJob
from autopeft.launch.ray_process import RayGoneError, RayProcess

__all__ = ["run_in_workers"]


class _EnoughError(Exception):
    """The study has all its trials."""


class _Service:
    """The desk, as Tune's process asks it; Tune itself would take seconds to notice that all is done."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._desk, name)
        return partial(self._last, found) if name in ("record", "stopped", "lost") else found

    def _last(self, do: Callable[..., None], *args: Any) -> None:
        do(*args)
        if self._desk.done and self._desk.idle:
            raise _EnoughError


def run_in_workers(desk: Desk, job: WorkerJob, *, ray: RayProcess, deadline: float | None) -> None:
    """Run trials until the desk is done, the deadline (seconds since the epoch) has passed, or Ctrl-C.

    Args:
        desk: Hands out trials and records outcomes.
        job: What each worker loads.
        ray: Speaks to Ray; where that has ended, what was at work is put in line again.
        deadline: When the search ends.

    Raises:
        AutopeftError: When a worker cannot load what it needs, or trials keep failing.
        RunError: When Ray keeps ending.
    """
    settings = {"job": job, "workers": ray.at_most, "gpus": ray.places.gpus, "deadline": deadline}
    try:
        with ctrl_c() as interrupt:
            while True:
                try:
                    ray.call("autopeft.launch.tune:run_with_tune", _Service(desk), interrupt.heeded, **settings)
                    return
                except _EnoughError:
                    return
                except RayGoneError as gone:
                    desk.close("Ray has ended")
                    desk.listener.said(ray.replaced(gone))
    except KeyboardInterrupt:
        ray.leave()  # The study keeps what is finished; the caller sees that trials are missing.
    finally:
        desk.close("the search ended before it finished")
