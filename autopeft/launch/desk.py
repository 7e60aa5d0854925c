"""The driver's side of a search: hands out trials, takes outcomes, keeps the count.

Whatever runs the trials (Ray Tune, or this process) speaks only to the desk; all state that matters is in the
study behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import optuna

from autopeft.errors import AutopeftError, ExhaustedSpaceError, RunError
from autopeft.space import BoundSpace, Configuration
from autopeft.study import (
    Ask,
    Front,
    FrontRow,
    LeaseLostError,
    Scale,
    Watch,
    ask,
    asked_to_stop,
    counted,
    front_of,
    leases,
    open_trials,
    out_of_reach,
    put_back,
    renew,
    room,
    snapshot,
    tell,
    tell_lost,
    waiting,
)

__all__ = ["Desk", "Listener", "Silent"]

#: So many lost or broken trials in a row, with none finished in between, mean that something else is wrong.
PATIENCE = 6


class Listener(Protocol):
    """What follows a search as it goes, to show it; begin with `Silent`, which ignores all it hears."""

    def opened(self, done: int) -> None:
        """Hear how many trials the study has already."""

    def started(self, trial: Ask) -> None:
        """Hear that a trial has begun."""

    def measured(self, trial: Ask, point: Mapping[str, float]) -> None:
        """Hear what a trial measured at a rung: a point of its curve, see `autopeft.trials.Outcome`."""

    def finished(self, trial: Ask, outcome: Mapping[str, Any], params: int, front: Front) -> None:
        """Hear how a trial ended."""

    def said(self, message: str) -> None:
        """Hear something that a user should know."""


class Silent:
    """A listener that shows nothing."""

    def opened(self, done: int) -> None:
        """Ignore it."""

    def started(self, trial: Ask) -> None:
        """Ignore it."""

    def measured(self, trial: Ask, point: Mapping[str, float]) -> None:
        """Ignore it."""

    def finished(self, trial: Ask, outcome: Mapping[str, Any], params: int, front: Front) -> None:
        """Ignore it."""

    def said(self, message: str) -> None:
        """Ignore it."""


@dataclass
class Desk:
    """Hands out the trials of a study and records their outcomes.

    Args:
        study: The study.
        space: The search space on this backbone.
        cost: Exact trainable parameters of a configuration.
        scale: Budget and scoring.
        total: Trials in all, those of earlier runs included.
        worst: The metric's worst value.
        listener: Who follows.
        prices: The costs that are objectives, from a configuration and what its trial measured; None when one was not
            measured. When left out, `cost` is the only one.
        remark: Says what there is to say of the study when a trial has finished.
        watch: Frees the trials of other processes that are gone; one of its own when left out.
        trains: Whether trials run in this process.
    """

    study: optuna.Study
    space: BoundSpace
    cost: Callable[[Configuration], int]
    scale: Scale
    total: int
    worst: float
    listener: Listener = field(default_factory=Silent)
    prices: Callable[[Configuration, Mapping[str, Any]], Sequence[float] | None] | None = None
    remark: Callable[[optuna.Study], str | None] = lambda study: None
    watch: Watch | None = None
    trains: bool = False
    exhausted: bool = False
    _running: dict[int, Ask] = field(default_factory=dict)
    _curves: dict[int, list[Mapping[str, float]]] = field(default_factory=dict)
    _asking: list[int] = field(default_factory=list)
    _renewed: dict[int, int] = field(default_factory=dict)
    _taken: set[int] = field(default_factory=set)
    _faults: int = 0
    _rows: dict[Any, FrontRow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.watch = self.watch or Watch(self.study, self.space)

    @property
    def done(self) -> bool:
        """Whether the study has all its trials, or can have no more."""
        seen = snapshot(self.study)
        return counted(seen) >= self.total or (self.exhausted and not open_trials(seen))

    @property
    def idle(self) -> bool:
        """Whether nothing is at work here."""
        return not self._running

    def next(self) -> Ask | None:
        """Take the next trial, or None when enough are finished or at work, here or elsewhere.

        A lost trial comes back, so None is an end only when `done` says so.
        """
        seen = snapshot(self.study)
        freed = self.let_go(seen)
        # Also what a process has lost that was killed over it, or was given back in line.
        if put_back(self.study, self.space, seen) or freed:
            seen = snapshot(self.study)
        if not room(seen, self.total) or (self.exhausted and not waiting(seen)):
            return None
        try:
            trial = ask(self.study, self.space, self.total, trains=self.trains, taken=self._asking.append)
            if trial is not None:
                self._running[trial.number] = trial
                return trial
        except ExhaustedSpaceError as error:
            if not self.exhausted:
                self.listener.said(str(error))
            self.exhausted = True
        finally:
            self._asking.clear()
        return None

    def let_go(self, seen: optuna.Study | None = None) -> list[int]:
        """Free the trials of processes that are gone; return their numbers.

        Args:
            seen: The study as it was just now; it is read when left out.
        """
        assert self.watch is not None
        freed = self.watch.free(self._running, seen=seen)
        if freed:
            self.listener.said(f"{len(freed)} trials of a process that is gone are let go, to be tried again")
        return freed

    @contextmanager
    def leased(self) -> Iterator[None]:
        """Renew the leases on the trials at work, in a thread, for as long as this lasts."""
        ended = threading.Event()

        def keep() -> None:
            while not ended.wait(leases.LEASE_SECONDS / 4):
                # A storage that does not answer is told of where an outcome is lost by it.
                with suppress(Exception):
                    self.renew()

        thread = threading.Thread(target=keep, daemon=True, name="leases")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def renew(self) -> None:
        """Renew the leases on the trials at work."""
        for number in [*self._running, *self._asking]:
            count = self._renewed.get(number, 0)
            if not renew(self.study, number, count):
                self._taken.add(number)
            self._renewed[number] = count + 1

    def begun(self, number: int) -> None:
        """Note that a trial is at work."""
        self.listener.started(self._running[number])

    def go_on(self, number: int, point: Mapping[str, float]) -> bool:
        """Take what a trial measured at a rung; tell whether it shall go on. Baselines always do."""
        curve = self._curves.setdefault(number, [])
        curve.append(dict(point))
        if number in self._taken:
            # It runs elsewhere by now.
            return False
        trial = self._running[number]
        self.listener.measured(trial, point)
        if trial.baseline is not None:
            return True
        seen = snapshot(self.study)
        if asked_to_stop(seen, number):
            self.listener.said(f"trial {number} is stopped, as was asked for")
            return False
        costs = self._costs(trial.configuration, point)
        return costs is None or not out_of_reach(seen, costs, curve)

    def stopped(self, number: int) -> None:
        """Record that a trial ended at the rung it reported last."""
        curve = self._curves[number]
        last = curve[-1]
        measured = {key: last[key] for key in ("seconds", "busy", "step_seconds") if key in last}
        self.record(number, {"status": "stopped", **measured, "curve": curve})

    def record(self, number: int, outcome: Mapping[str, Any]) -> None:
        """Record the outcome of a trial.

        Raises:
            AutopeftError: When trials have failed in a row, with the last reason, which a user can mend.
            RunError: Likewise, for another reason.
        """
        trial = self._running[number]
        params = self.cost(trial.configuration)
        costs = self._costs(trial.configuration, outcome)
        if costs is None:
            # A configuration that failed before it was measured is as bad as any.
            costs = [highest for _, highest in self.scale.costs.values()]
        figures: dict[str, Any] = {"params": params, "limit": self.scale.limit, "worst": self.worst, "costs": costs}
        if not self._told(number, partial(tell, self.study, number, outcome, **figures)):
            return
        self.listener.finished(trial, outcome, params, self._front())
        if outcome["status"] == "complete" and (said := self.remark(self.study)):
            self.listener.said(said)
        self._count_fault(
            outcome["status"] == "error", str(outcome.get("message", "")), mendable=outcome.get("mendable", False)
        )

    def lost(self, number: int, reason: str) -> None:
        """Record that a trial's worker died over it; it will be tried again.

        Raises:
            RunError: When trials have been lost in a row.
        """
        trial = self._running[number]
        if not self._told(number, partial(tell_lost, self.study, self.space, number, reason)):
            return
        outcome = {"status": "killed", "message": reason}
        self.listener.finished(trial, outcome, self.cost(trial.configuration), self._front())
        self._count_fault(True, reason)

    def close(self, reason: str) -> None:
        """Let go of the trials still at work; their configurations wait for the next run."""
        for number in list(self._running):
            self._told(number, partial(tell_lost, self.study, self.space, number, reason, blamed=False))

    def _told(self, number: int, tell: Callable[[], Any]) -> bool:
        """Tell the study how a trial has ended, which is at work until then; False where it was taken meanwhile."""
        ours = True
        try:
            tell()
        except LeaseLostError as error:
            self.listener.said(str(error))
            ours = False
        self._forget(number)
        return ours

    def _forget(self, number: int) -> None:
        for held in (self._running, self._curves, self._renewed):
            held.pop(number, None)
        self._taken.discard(number)

    def _costs(self, configuration: Configuration, measured: Mapping[str, Any]) -> Sequence[float] | None:
        if self.prices is None:
            return (float(self.cost(configuration)),)
        return self.prices(configuration, measured)

    def _front(self) -> Front:
        return front_of(snapshot(self.study), self.scale, known=self._rows)

    def _count_fault(self, fault: bool, reason: str, *, mendable: bool = False) -> None:
        self._faults = self._faults + 1 if fault else 0
        if self._faults >= PATIENCE:
            raise (AutopeftError if mendable else RunError)(
                f"{PATIENCE} trials in a row failed, the last one so: {reason}\n"
                "finished trials are kept; mend the cause and run the same command again"
            )
