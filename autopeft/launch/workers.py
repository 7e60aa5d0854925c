"""Run trials in Ray's workers, from a process without Ray."""

from __future__ import annotations

from autopeft.launch.desk import Desk
from autopeft.launch.interrupts import ctrl_c
from autopeft.launch.job import WorkerJob
from autopeft.launch.ray_process import RayGoneError, RayProcess

__all__ = ["run_in_workers"]


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
    settings = {"job": job, "workers": ray.places.workers, "gpus": ray.places.gpus, "deadline": deadline}
    try:
        with ctrl_c() as interrupt:
            while True:
                try:
                    ray.call("autopeft.launch.tune:run_with_tune", desk, interrupt.heeded, **settings)
                    return
                except RayGoneError as gone:
                    desk.close("Ray has ended")
                    desk.listener.said(ray.replaced(gone))
    except KeyboardInterrupt:
        ray.leave()  # The study keeps what is finished; the caller sees that trials are missing.
    finally:
        desk.close("the search ended before it finished")
