"""The chart of parallel coordinates."""

from __future__ import annotations

import math

from autopeft.reporting.chart import Absent, Axis, Chart, Labels, Line, Panel
from autopeft.reporting.data.coordinates import Coordinate, CoordinateLine, parallel_coordinates
from autopeft.reporting.run import Run

__all__ = ["coordinates_chart"]


def coordinates_chart(run: Run) -> Chart | Absent:
    """Draw every trial as a line over knobs, costs and accuracy; the labels stand on the axes."""
    found = parallel_coordinates(run)
    if isinstance(found, Absent):
        return found
    caption = (
        "Each line is a trial of the space, those of the front in blue. From left to right: the knobs that mattered "
        "most for accuracy, the costs, and the accuracy itself. A line has a gap where a knob did not matter, as the "
        "rank where LoRA was off."
    )
    lines = [_line(each) for each in found.lines]
    names = tuple((place, axis.name) for place, axis in enumerate(found.axes))
    rules = [Line("", "faint", (place, place), (0.0, 1.0)) for place in range(len(names))]
    panel = Panel(
        title="",
        x=Axis(ticks=names, ends=(-0.3, len(names) - 0.3)),
        y=Axis(bare=True, ends=(-0.04, 1.14)),
        marks=(*rules, *lines, *(_labels(place, axis) for place, axis in enumerate(found.axes))),
    )
    return Chart(caption, (panel,))


def _line(line: CoordinateLine) -> Line:
    front = line.trial.standing == "front"
    reached = "" if line.trial.accuracy is None else f"\naccuracy {line.trial.accuracy:.4f}"
    return Line(
        "front" if front else "other trials",
        "front" if front else "faint",
        range(len(line.places)),
        [math.nan if place is None else place for place in line.places],
        [f"{line.trial.named}{reached}"] * len(line.places),
        line.trial.number,
    )


def _labels(place: int, axis: Coordinate) -> Labels:
    return Labels([place] * len(axis.labels), [at for at, _ in axis.labels], [text for _, text in axis.labels])
