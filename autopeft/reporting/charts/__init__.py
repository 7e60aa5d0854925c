"""The figures of a report, each from its data; drawn on paper and on screen alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from autopeft.reporting.chart import Absent, Chart
from autopeft.reporting.charts.coordinates import coordinates_chart
from autopeft.reporting.charts.curves import curves_chart
from autopeft.reporting.charts.front import front_chart
from autopeft.reporting.charts.growth import growth_chart
from autopeft.reporting.charts.importance import importance_chart
from autopeft.reporting.charts.placement import placement_chart
from autopeft.reporting.charts.surrogate import surrogate_chart
from autopeft.reporting.charts.timeline import timeline_chart
from autopeft.reporting.run import Run

__all__ = ["CHARTS", "ChartKind"]


class ChartKind(NamedTuple):
    """A figure of a report.

    Args:
        title: Its heading.
        make: Draws it of a run, or says why it cannot be.
    """

    title: str
    make: Callable[[Run], Chart | Absent]


#: Every figure by the name of its files, in the order of the page.
CHARTS = {
    "front": ChartKind("Front", front_chart),
    "growth": ChartKind("Score against compute", growth_chart),
    "placement": ChartKind("Where the parameters are", placement_chart),
    "importance": ChartKind("Which knobs mattered", importance_chart),
    "coordinates": ChartKind("Trials across their knobs", coordinates_chart),
    "curves": ChartKind("Learning curves", curves_chart),
    "timeline": ChartKind("Timeline", timeline_chart),
    "surrogate": ChartKind("How well the sampler predicts", surrogate_chart),
}
