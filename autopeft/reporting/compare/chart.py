"""The chart of several fronts over each other."""

from __future__ import annotations

from collections.abc import Sequence

from autopeft.reporting.chart import Axis, Chart, Line, Mark, Panel, Points
from autopeft.reporting.charts.front import cost_title
from autopeft.reporting.data.front import FrontPanel, PlacedFinalist, front_panels
from autopeft.reporting.palette import series
from autopeft.reporting.run import Run

__all__ = ["fronts_chart"]


def fronts_chart(runs: Sequence[Run], names: Sequence[str]) -> Chart:
    """Draw the front of each run, and its finalists on test, a panel for each cost."""
    caption = (
        f"The fronts of {len(runs)} runs: validation {runs[0].metric}, one seed. A line is the best that a run reached "
        "at or below each cost."
    )
    if any(run.finalists for run in runs):
        caption += " Points with intervals are finalists on test, with the 95 % interval."
    fronts = [front_panels(run) for run in runs]
    return Chart(caption, tuple(_panel(runs[0], panels, names) for panels in zip(*fronts, strict=True)))


def _panel(run: Run, panels: Sequence[FrontPanel], names: Sequence[str]) -> Panel:
    marks = [mark for place, panel in enumerate(panels) for mark in _marks(panel, names[place], series(place))]
    title = "" if len(run.result.scale.costs) == 1 else panels[0].cost
    return Panel(title, Axis(cost_title(run, panels[0].cost), log=True), Axis(run.metric), tuple(marks))


def _marks(panel: FrontPanel, name: str, style: str) -> list[Mark]:
    marks: list[Mark] = [Line("", style, *panel.steps)] if panel.steps[0] else []
    front = [(each, each.accuracy) for each in panel.trials if each.trial.standing == "front" and each.accuracy]
    if front:
        marks.append(
            Points(
                f"{name}: front",
                style,
                [each.cost for each, _ in front],
                [accuracy for _, accuracy in front],
                [f"{name}, {each.trial.named}\nvalidation {accuracy:.4f}" for each, accuracy in front],
                [None] * len(front),
            )
        )
    return marks + ([_on_test(panel.finalists, name, style)] if panel.finalists else [])


def _on_test(placed: Sequence[PlacedFinalist], name: str, style: str) -> Points:
    tests = [each.finalist.test for each in placed]
    return Points(
        f"{name}: finalists on test",
        style,
        [each.cost for each in placed],
        [test.mean for test in tests],
        [
            f"{name}, {each.finalist.name} on test: {test.mean:.4f} ({test.low:.4f} to {test.high:.4f})"
            for each, test in zip(placed, tests, strict=True)
        ],
        [None] * len(placed),
        [(test.low, test.high) for test in tests],
    )
