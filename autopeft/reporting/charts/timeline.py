"""The chart of when trials ran and how they ended."""

from __future__ import annotations

from collections.abc import Sequence

from autopeft.reporting.chart import Absent, Axis, Bars, Chart, Mark, Panel, Rule
from autopeft.reporting.data.timeline import TimelineSpan, timeline
from autopeft.reporting.run import Run

__all__ = ["timeline_chart"]

_LABELS = {
    "bar": "complete",
    "stopped": "stopped early",
    "failed": "failed: out of memory, diverged, out of time",
    "lost": "lost to an error of machine or code",
}

_MINUTE = 60.0


def timeline_chart(run: Run) -> Chart | Absent:
    """Draw every trial as a bar, those that ran at once above each other."""
    found = timeline(run)
    if isinstance(found, Absent):
        return found
    caption = (
        "When each trial was at work and how it ended. Trials that ran at once stand above each other; which worker "
        "ran which is not recorded."
    )
    if found.pauses:
        caption += " Dashed lines mark pauses of the search, which are left out."
    marks: list[Mark] = [Rule(f"{pause / _MINUTE:,.0f} min pause", x=at / _MINUTE) for at, pause in found.pauses]
    for style, label in _LABELS.items():
        some = [span for span in found.spans if _style(span) == style]
        if some:
            marks.append(_bars(label, style, some))
    lanes = tuple((float(lane), str(lane + 1)) for lane in range(found.lanes))
    lanes_shown = (-0.6, max(found.lanes, 3) - 0.4)
    panel = Panel(
        title="",
        x=Axis("minutes since the first trial began"),
        y=Axis("trials at once", ticks=lanes, ends=lanes_shown),
        marks=tuple(marks),
    )
    return Chart(caption, (panel,))


def _style(span: TimelineSpan) -> str:
    standing = span.trial.standing
    return standing if standing in _LABELS else "bar"


def _bars(label: str, style: str, some: Sequence[TimelineSpan]) -> Bars:
    words = []
    for span in some:
        why = f": {span.trial.message}" if span.trial.message else ""
        ended = f"{span.trial.status} after {span.end - span.start:.0f} s{why}"
        words.append(f"{span.trial.named}\n{ended}")
    return Bars(
        label,
        style,
        [span.lane for span in some],
        [span.start / _MINUTE for span in some],
        [span.end / _MINUTE for span in some],
        words,
        [span.trial.number for span in some],
    )
