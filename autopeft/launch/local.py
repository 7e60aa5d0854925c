"""Run trials in this process, one after another: `--workers 0`, for debugging."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from autopeft.launch.desk import Desk
from autopeft.launch.job import WorkerJob

__all__ = ["run_here"]


def run_here(desk: Desk, job: WorkerJob, *, deadline: float | None) -> None:
    """Run trials until the desk is done, the deadline (seconds since the epoch) has passed, or Ctrl-C."""
    runner = job.runner()
    try:
        with _ctrl_c() as ctrl_c:
            while not desk.done and (deadline is None or time.time() < deadline):
                trial = desk.next()
                if trial is None:
                    break
                desk.begun(trial.number)
                _run(desk, trial.number, job.start(runner, trial.configuration), ctrl_c)
    except KeyboardInterrupt:
        pass  # The study keeps what is finished; the caller sees that trials are missing.
    finally:
        desk.close("the search ended before it finished")


class _CtrlC:
    """Ctrl-C, heeded while a trial trains.

    Raised anywhere, it may be lost in a library's callback, or break off a write to the study; so elsewhere it waits
    until the next trial trains. A second one is raised at once.
    """

    def __init__(self) -> None:
        self._noted = False
        self._training = False

    def note(self, *_: object) -> None:
        again, self._noted = self._noted, True
        if self._training or again:
            raise KeyboardInterrupt

    def train(self, trial: Generator[dict[str, float], None, dict[str, Any]]) -> dict[str, float]:
        self._training = True
        try:
            # One noted before, or lost since.
            if self._noted:
                raise KeyboardInterrupt
            return next(trial)
        finally:
            self._training = False


@contextmanager
def _ctrl_c() -> Iterator[_CtrlC]:
    ctrl_c = _CtrlC()
    if threading.current_thread() is not threading.main_thread():
        yield ctrl_c  # Signals reach the main thread only.
        return
    before = signal.signal(signal.SIGINT, ctrl_c.note)
    try:
        yield ctrl_c
    finally:
        signal.signal(signal.SIGINT, before)


def _run(desk: Desk, number: int, trial: Generator[dict[str, float], None, dict[str, Any]], ctrl_c: _CtrlC) -> None:
    """Drive a trial from rung to rung as the desk decides."""
    try:
        while desk.go_on(number, ctrl_c.train(trial)):
            pass
        desk.stopped(number)
    except StopIteration as end:
        desk.record(number, end.value)
    finally:
        trial.close()
