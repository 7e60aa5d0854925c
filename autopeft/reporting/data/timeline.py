"""When trials ran, side by side, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from autopeft.reporting.chart import Absent
from autopeft.reporting.run import ReportedTrial, Run

__all__ = ["Timeline", "TimelineSpan", "timeline"]

#: Seconds without any trial after which the search was interrupted, not just starting its workers.
_PAUSE = 120.0


@dataclass(frozen=True)
class TimelineSpan:
    """One trial at work.

    Args:
        trial: The trial.
        lane: The lowest lane that was free, from 0; trials in different lanes ran at once.
        start: Seconds since the first trial began, pauses left out.
        end: Likewise.
    """

    trial: ReportedTrial
    lane: int
    start: float
    end: float


@dataclass(frozen=True)
class Timeline:
    """All trials at work.

    Args:
        spans: By the time they began.
        pauses: When the search was interrupted, in the seconds of `start`, and for how many seconds.
    """

    spans: tuple[TimelineSpan, ...]
    pauses: tuple[tuple[float, float], ...]

    @property
    def lanes(self) -> int:
        """How many trials ran at once at most."""
        return 1 + max(span.lane for span in self.spans)


def timeline(run: Run) -> Timeline | Absent:
    """Return when the trials of a run were at work.

    A trial is asked for ahead of its turn, so its start is reckoned back from its end where its duration is known.
    """
    known = sorted(((_began(trial), trial) for trial in run.trials), key=lambda pair: (pair[0], pair[1].number))
    if not known:
        return Absent("no trial has ended yet")
    origin, busy_until = known[0][0], known[0][0]
    skipped = 0.0
    free: list[datetime] = []
    spans: list[TimelineSpan] = []
    pauses: list[tuple[float, float]] = []
    for began, trial in known:
        idle = (began - busy_until).total_seconds()
        if idle > _PAUSE:
            pauses.append(((busy_until - origin).total_seconds() - skipped, idle))
            skipped += idle
        lane = next((index for index, end in enumerate(free) if end <= began), len(free))
        free[lane : lane + 1] = [trial.ended]
        busy_until = max(busy_until, trial.ended)
        start, end = ((moment - origin).total_seconds() - skipped for moment in (began, trial.ended))
        spans.append(TimelineSpan(trial, lane, start, end))
    return Timeline(tuple(spans), tuple(pauses))


def _began(trial: ReportedTrial) -> datetime:
    if trial.seconds is None:
        return trial.began
    return max(trial.began, trial.ended - timedelta(seconds=trial.seconds))
