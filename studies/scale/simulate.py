"""A search whose workers are simulated and whose driver is the real one.

Workers live by a clock that is simulated. The driver does one thing after another, as in a search: what it does is done
in earnest, on a real study, and the time it takes passes on that clock. So a worker that brings something while the
driver is at work waits, as it would.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from autopeft.launch import Desk
from autopeft.space import Configuration
from autopeft.study import Ask, leases
from autopeft.trials import Outcome
from autopeft.trials.setting import RUNGS

__all__ = ["WINDOW", "Simulation", "Work", "work_of"]

#: Trials over which figures are added up.
WINDOW = 100

#: Spread of the logarithm of a trial's length.
_SPREAD = 0.25

#: Steps of a whole trial, the accuracy of one that has learned nothing, how fast it rises from there, and its noise.
_STEPS, _FLOOR, _RISE, _NOISE = 132, 0.3, 0.25, 0.01

T = TypeVar("T")


@dataclass(frozen=True)
class Work:
    """What a trial will bring: points of its curve, at the seconds of training after which they are there."""

    curve: list[dict[str, float]]

    def outcome(self) -> dict[str, Any]:
        """Return what the trial brings at its end, as a worker does."""
        last = self.curve[-1]
        found = Outcome(
            "complete",
            accuracy=last["accuracy"],
            metrics={name: last[name] for name in ("accuracy", "loss")},
            seconds=last["seconds"],
            busy=last["busy"],
            step_seconds=last["step_seconds"],
            curve=tuple(self.curve),
        )
        return found.to_dict()

    def lasts(self, rung: int) -> float:
        """Return the seconds from the rung before to this one."""
        return self.curve[rung]["seconds"] - (self.curve[rung - 1]["seconds"] if rung else 0.0)


def work_of(number: int, accuracy: float, seconds: float) -> Work:
    """Return what a trial brings, the same each time.

    Args:
        number: Its number.
        accuracy: What it ends with.
        seconds: How long trials are on average that are not stopped.
    """
    rng = np.random.default_rng(number)
    whole = seconds * float(np.exp(_SPREAD * rng.normal() - _SPREAD**2 / 2))
    curve = []
    for share in (*RUNGS, 1.0):
        reached = _FLOOR + (accuracy - _FLOOR) * share**_RISE + (share < 1) * _NOISE * float(rng.normal())
        point = {"step": round(share * _STEPS), "accuracy": reached, "loss": 2.5 * (1 - reached)}
        curve.append(point | {"seconds": share * whole, "busy": share * whole, "step_seconds": whole / _STEPS})
    return Work(curve)


@dataclass
class Simulation:
    """A search under way.

    Args:
        desk: The driver's side, with all that it knows.
        answer: The accuracy that a trial ends with.
        workers: How many there are.
        seconds: How long trials are on average that are not stopped.
        size: Bytes of the database.
        clock: Seconds of the simulation at which the driver has done what it does.
        events: When trials at work will bring what: time, number, rung.
        staged: Trials that were asked for ahead.
        idle: Since when workers have had nothing to do, one entry each.
        renewal: When leases are renewed next.
        told: Trials that have ended.
        windows: Figures, a row for each `WINDOW` of trials that ended.
        sums: Those of the trials since.
    """

    desk: Desk
    answer: Callable[[int, Configuration], float]
    workers: int
    seconds: float = 60.0
    size: Callable[[], int] = lambda: 0
    clock: float = 0.0
    events: list[tuple[float, int, int]] = field(default_factory=list)
    staged: list[int] = field(default_factory=list)
    idle: list[float] | None = None
    renewal: float = leases.LEASE_SECONDS / 4
    told: int = 0
    windows: list[dict[str, Any]] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)
    _work: dict[int, Work] = field(default_factory=dict)
    _all_asked: bool = False

    def __post_init__(self) -> None:
        if self.idle is None:
            self.idle = [0.0] * self.workers
        self.sums = Counter(self.sums)
        self.events = [(at, number, rung) for at, number, rung in self.events]
        heapq.heapify(self.events)
        # What was at work when the measurement was interrupted is gone on with: no trial knows.
        at_work = {**dict.fromkeys(self.staged, 0), **{number: rung for _, number, rung in self.events}}
        trials = self.desk.study.get_trials(deepcopy=False) if at_work else []
        for number, rung in at_work.items():
            attrs = trials[number].user_attrs
            trial = Ask(number, Configuration.from_dict(attrs["configuration"]), attrs.get("baseline"))
            self._asked(trial)
            self.desk._running[number] = trial
            self.desk._curves[number] = list(self._work[number].curve[:rung])

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on, as JSON data."""
        names = ("clock", "events", "staged", "idle", "renewal", "told", "windows", "sums")
        return {name: getattr(self, name) for name in names}

    def run(self, seconds: float = np.inf) -> bool:
        """Go on until all trials have ended, or for some seconds of ours; tell whether all have ended."""
        began = time.monotonic()
        while self.events or self.staged or not self._all_asked:
            if time.monotonic() - began > seconds:
                return False
            self._next()
        return True

    def _next(self) -> None:
        """Do what the driver does next: fill a worker, ask for the trial after that, or take what a worker brings."""
        if self.staged and self.idle:
            number, since = self.staged.pop(0), self.idle.pop(0)
            self._do("begin", lambda: self.desk.begun(number))
            self._waited(since)
            self._trains(number, 0)
            return
        if not (self.staged or self._all_asked):
            # As Tune's searcher does.
            trial = self._do("ask", lambda: None if self.desk.done else self.desk.next())
            if trial is None:
                self._all_asked = True
            else:
                self._asked(trial)
                self.staged.append(trial.number)
            return
        at, number, rung = heapq.heappop(self.events)
        self.clock = max(self.clock, at)
        if self.clock >= self.renewal:
            self._do("renew", self.desk.renew)
            self.renewal = self.clock + leases.LEASE_SECONDS / 4
        self._bring(at, number, rung)

    def _bring(self, at: float, number: int, rung: int) -> None:
        work = self._work[number]
        if rung < len(work.curve) - 1:
            if self._do("rung", lambda: self.desk.go_on(number, work.curve[rung])):
                self._waited(at)
                self._trains(number, rung + 1)
                return
            self._do("tell", lambda: (self.desk.stopped(number), self.desk.done))
            self.sums["stopped"] += 1
        else:
            self._do("tell", lambda: (self.desk.record(number, work.outcome()), self.desk.done))
        del self._work[number]
        if not self._all_asked:
            self.idle.append(at)
        self.told += 1
        self.sums["ended"] += 1
        if self.told % WINDOW == 0:
            self.windows.append({"told": self.told, **self.sums, "memory": _memory(), "database": self.size()})
            self.sums.clear()

    def _asked(self, trial: Ask) -> None:
        self._work[trial.number] = work_of(trial.number, self.answer(trial.number, trial.configuration), self.seconds)

    def _trains(self, number: int, rung: int) -> None:
        lasts = self._work[number].lasts(rung)
        self.sums["trained"] += lasts
        heapq.heappush(self.events, (self.clock + lasts, number, rung))

    def _waited(self, since: float) -> None:
        self.sums["waited"] += self.clock - since

    def _do(self, what: str, do: Callable[[], T]) -> T:
        """Let the driver do something, while time passes."""
        began, worked = time.perf_counter(), time.process_time()
        found = do()
        lasted = time.perf_counter() - began
        self.clock += lasted
        self.sums["processor"] += time.process_time() - worked
        self.sums[what] += lasted
        self.sums[f"{what}s"] += 1
        return found


def _memory() -> int:
    """Return the bytes that this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
