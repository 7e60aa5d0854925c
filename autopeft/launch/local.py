"""Run trials in this process, one after another: `--workers 0`, for debugging."""

from __future__ import annotations

import time

from autopeft.launch.desk import Desk
from autopeft.launch.job import WorkerJob

__all__ = ["run_here"]


def run_here(desk: Desk, job: WorkerJob, *, deadline: float | None) -> None:
    """Run trials until the desk is done, the deadline (seconds since the epoch) has passed, or Ctrl-C."""
    runner = job.runner()
    try:
        while not desk.done and (deadline is None or time.time() < deadline):
            trial = desk.next()
            if trial is None:
                break
            desk.begun(trial.number)
            desk.record(trial.number, job.run(runner, trial.configuration))
    except KeyboardInterrupt:
        pass  # The study keeps what is finished; the caller sees that trials are missing.
    finally:
        desk.close("the search ended before it finished")
