"""A search as it goes: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from autopeft.launch import Preparation
from autopeft.reporting.table import percent
from autopeft.reporting.words import baseline_in_words
from autopeft.study import Ask, Front, Scale
from autopeft.trials import TrialKind, kind_of

__all__ = [
    "Band",
    "LiveProgress",
    "PlainProgress",
    "Progress",
    "QuietProgress",
    "VerboseProgress",
    "band_cells",
    "best_per_band",
    "clock",
    "time_left",
]


@dataclass(frozen=True)
class Band:
    """The best trial whose cost lies below an edge and above the edge before."""

    below: int
    accuracy: float
    in_words: str


def best_per_band(front: Front, scale: Scale) -> list[Band]:
    """Return the best row of each cost band: no parameters, then powers of ten of the share, up to the budget."""
    edges = [edge for power in range(-5, 0) if (edge := int(scale.backbone * 10.0**power)) < scale.limit]
    bands = []
    low = -1
    for edge in [0, *edges, scale.limit]:
        rows = [row for row in front.rows if low < row.params <= edge]
        if rows:
            best = max(rows, key=lambda row: row.accuracy)
            bands.append(Band(edge, best.accuracy, best.in_words))
        low = edge
    return bands


def band_cells(front: Front, scale: Scale) -> list[tuple[str, str, str]]:
    """Return the best row of each cost band in words: its share, its accuracy, its configuration."""
    return [
        (
            f"up to {percent(band.below / scale.backbone)}" if band.below else "no parameters",
            f"{band.accuracy:.4f}",
            band.in_words,
        )
        for band in best_per_band(front, scale)
    ]


def time_left(seconds: Collection[float], remaining: int, workers: int) -> float | None:
    """Estimate the seconds a search still takes from durations of its trials; None before any is known."""
    if not seconds:
        return None
    return sum(seconds) / len(seconds) * remaining / workers


@dataclass
class Progress:
    """What all displays keep count of; a listener of a search, to be used as a context.

    Args:
        scale: Budget and scoring.
        total: Trials in all.
        kind: What trials are of.
        console: Where lines are written.
        steps: Of a whole trial.
    """

    scale: Scale
    total: int
    kind: type[TrialKind]
    console: Console
    steps: int = 0
    done: int = 0
    running: dict[int, Ask] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    expected: dict[int, float] = field(default_factory=dict)
    front: Front | None = None
    at_once: int = 1
    began: float = field(default_factory=time.time)

    @classmethod
    def of(cls, prepared: Preparation, console: Console | None = None) -> Self:
        """Return one for a search."""
        steps = sum(stage.steps for stage in prepared.setting.stages)
        kind = type(kind_of(prepared.task))
        return cls(prepared.scale, prepared.plan.trials, kind, console or Console(), steps)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def opened(self, done: int) -> None:
        """Start counting at the trials the study has already."""
        self.done = done

    def started(self, trial: Ask) -> None:
        """Show that a trial has begun."""
        self.running[trial.number] = trial
        self.at_once = max(self.at_once, len(self.running))

    def measured(self, trial: Ask, point: Mapping[str, float]) -> None:
        """Foretell from its first steps how long a trial takes; `steps` are those of a whole one."""
        if self.steps and "step_seconds" in point:
            left = max(0, self.steps - point["step"])
            self.expected[trial.number] = point["seconds"] + left * point["step_seconds"]

    def finished(self, trial: Ask, outcome: Mapping[str, Any], params: int, front: Front) -> None:
        """Show how a trial ended."""
        self.running.pop(trial.number, None)
        self.done += outcome["status"] != "killed"
        if outcome.get("seconds"):
            self.seconds.append(float(outcome["seconds"]))
        self.front = front

    def said(self, message: str) -> None:
        """Print a message above the display."""
        self._line(message)

    def _line(self, text: str) -> None:
        # As it is: messages may have brackets in them, and a log is not broken at eighty letters.
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def remaining(self) -> str:
        """Say how long the search still takes."""
        left = time_left(self.seconds or self.expected.values(), self.total - self.done, self.at_once)
        return "" if left is None else f"about {clock(left)} left"

    def named(self, trial: Ask) -> str:
        """Return what a trial is called: a baseline as in the tables, others by their configuration."""
        return baseline_in_words(trial.baseline, trial.configuration.describe(), self.kind)


class QuietProgress(Progress):
    """Nothing but what a user should know."""


class PlainProgress(Progress):
    """One line a finished trial, for logs and pipes."""

    def measured(self, trial: Ask, point: Mapping[str, float]) -> None:
        """Say once, before the first trial has ended, how long the search takes."""
        first = not (self.expected or self.seconds)
        super().measured(trial, point)
        if first and self.expected:
            self._line(f"by the first steps, {self.remaining()}")

    def finished(self, trial: Ask, outcome: Mapping[str, Any], params: int, front: Front) -> None:
        """Print one line."""
        super().finished(trial, outcome, params, front)
        self._line(
            f"[{self.done}/{self.total}] {_outcome_line(trial, self.named(trial), outcome, params, self.scale)}"
            f"{_score(front)} {self.remaining()}".rstrip()
        )


class VerboseProgress(PlainProgress):
    """A line where a trial begins, too."""

    def started(self, trial: Ask) -> None:
        """Print one line."""
        super().started(trial)
        self._line(f"trial {trial.number} begins: {self.named(trial)}")


class LiveProgress(Progress):
    """A display that is redrawn in place: counts, best per cost band, score, time left."""

    def __enter__(self) -> Self:
        self._live = Live(self, console=self.console, refresh_per_second=2, transient=True)
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def __rich__(self) -> Group:
        head = Table.grid(padding=(0, 1))
        head.add_row(
            ProgressBar(total=self.total, completed=self.done, width=30),
            f"{self.done}/{self.total} trials",
            f"{len(self.running)} running",
            f"{clock(time.time() - self.began)} elapsed",
            self.remaining(),
        )
        parts: list[Any] = [head]
        if self.front is not None:
            bands = Table.grid(padding=(0, 2))
            for share, accuracy, in_words in band_cells(self.front, self.scale):
                bands.add_row(share, accuracy, Text(in_words, overflow="ellipsis"))
            parts += [bands, Text(_score(self.front).strip(" ·"), style="dim")]
        for trial in self.running.values():
            parts.append(
                Text(f"  trial {trial.number}: {self.named(trial)}", style="dim", overflow="ellipsis", no_wrap=True)
            )
        return Group(*parts)


def _outcome_line(trial: Ask, named: str, outcome: Mapping[str, Any], params: int, scale: Scale) -> str:
    cost = f"{params:,} params ({percent(params / scale.backbone)})"
    if outcome["status"] == "complete":
        return f"trial {trial.number} {outcome['accuracy']:.4f} {cost} {outcome['seconds']:.0f}s {named}"
    if outcome["status"] == "stopped":
        last = outcome["curve"][-1]
        reached = f"stopped at step {last['step']} with {last['accuracy']:.4f}"
        return f"trial {trial.number} {reached} {cost} {outcome['seconds']:.0f}s {named}"
    message = f": {outcome['message']}" if outcome.get("message") else ""
    return f"trial {trial.number} {outcome['status']}{message} {cost} {named}"


def _score(front: Front) -> str:
    return "" if front.hypervolume is None else f" · hypervolume {front.hypervolume:.4f} ·"


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds: `2:05`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
