"""The chart of the hypervolume against the compute spent."""

from __future__ import annotations

from collections.abc import Sequence

from autopeft.reporting.chart import Absent, Axis, Chart, Line, Panel, Points
from autopeft.reporting.data.growth import Growth, hypervolume_growth
from autopeft.reporting.run import Run

__all__ = ["growth_chart"]

_CAPTION = (
    "The score of the front after each trial that ended, against what all trials so far had taken. The score is the "
    "hypervolume: decades of cost times {metric} above the baseline without adapters."
)


def growth_chart(run: Run) -> Chart | Absent:
    """Draw the hypervolume against training steps and against seconds."""
    grown = hypervolume_growth(run)
    if isinstance(grown, Absent):
        return grown
    panels = (
        _panel(grown, [each.steps for each in grown], "training steps"),
        _panel(grown, [each.seconds for each in grown], "seconds, workers added up"),
    )
    return Chart(_CAPTION.format(metric=run.metric), panels)


def _panel(grown: Sequence[Growth], spent: Sequence[float], title: str) -> Panel:
    corners = [(x, y) for place, x in enumerate(spent) for y in _heights(grown, place)]
    words = [
        f"after trial {each.trial.number} ({each.trial.status}): hypervolume {each.hypervolume:.4f}" for each in grown
    ]
    heights = [each.hypervolume for each in grown]
    return Panel(
        title="",
        x=Axis(title),
        y=Axis("hypervolume", ends=(0.0, 1.08 * max(heights) or 1.0)),
        marks=(
            Line("", "bar", [x for x, _ in corners], [y for _, y in corners]),
            Points("", "growth", spent, heights, words, [each.trial.number for each in grown]),
        ),
    )


def _heights(grown: Sequence[Growth], place: int) -> tuple[float, ...]:
    """Return the corners above one trial: the score holds until the next one ends."""
    here = grown[place].hypervolume
    return (grown[place - 1].hypervolume, here) if place else (here,)
