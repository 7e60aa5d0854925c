"""Run trials in this process, one after another: `--workers 0`, for debugging."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from autopeft.launch.desk import Desk
from autopeft.launch.interrupts import CtrlC, ctrl_c
from autopeft.launch.job import WorkerJob

__all__ = ["run_here"]

#: How often a process that waits for others looks how far they are.
_LOOK_SECONDS = 0.5


def run_here(desk: Desk, job: WorkerJob, *, deadline: float | None) -> None:
    """Run trials until the desk is done, the deadline (seconds since the epoch) has passed, or Ctrl-C."""
    runner = job.runner()
    try:
        with ctrl_c() as interrupt:
            while not desk.done and (deadline is None or time.time() < deadline):
                trial = desk.next()
                if trial is None:
                    # Others are at work on what is left.
                    with interrupt.heeded():
                        time.sleep(_LOOK_SECONDS)
                    continue
                desk.begun(trial.number)
                _run(desk, trial.number, job.start(runner, trial.configuration), interrupt)
    except KeyboardInterrupt:
        pass  # The study keeps what is finished; the caller sees that trials are missing.
    finally:
        desk.close("the search ended before it finished")


def _run(desk: Desk, number: int, trial: Generator[dict[str, float], None, dict[str, Any]], interrupt: CtrlC) -> None:
    """Drive a trial from rung to rung as the desk decides."""
    try:
        while True:
            with interrupt.heeded():
                point = next(trial)
            if not desk.go_on(number, point):
                break
        desk.stopped(number)
    except StopIteration as end:
        desk.record(number, end.value)
    finally:
        trial.close()
