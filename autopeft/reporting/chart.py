"""A figure as data: panels of marks, which paper (matplotlib) and screen (plotly) draw alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Absent", "Axis", "Bars", "Cells", "Chart", "Labels", "Line", "Mark", "Panel", "Points", "Rule"]


@dataclass(frozen=True)
class Absent:
    """Why a figure of a run is not there."""

    reason: str


@dataclass(frozen=True)
class Axis:
    """An axis of a panel.

    Args:
        title: What it shows, with its unit.
        log: Whether it is logarithmic.
        ticks: Positions with their labels; the drawing chooses when left out.
        ends: The lowest and the highest value shown; the drawing chooses when left out.
        bare: Whether it shows neither numbers nor grid.
    """

    title: str = ""
    log: bool = False
    ticks: tuple[tuple[float, str], ...] = ()
    ends: tuple[float, float] | None = None
    bare: bool = False


@dataclass(frozen=True)
class Points:
    """Points, each of which may stand for a trial.

    Args:
        label: What the legend calls them.
        style: A key of `autopeft.reporting.palette.STYLES`, as in the other marks.
        x: Positions.
        y: Positions.
        words: What is said of each when it is pointed at.
        trials: The number of each one's trial, None where it is none.
        spread: The ends of the vertical interval of each; empty without intervals.
    """

    label: str
    style: str
    x: Sequence[float]
    y: Sequence[float]
    words: Sequence[str]
    trials: Sequence[int | None]
    spread: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Line:
    """A line, which may stand for a trial.

    Args:
        label: What the legend calls it; lines of the same label share one entry.
        style: How it looks.
        x: Positions of its corners.
        y: Positions of its corners; NaN leaves a gap.
        words: What is said of each corner when it is pointed at; empty to say nothing.
        trial: The number of its trial.
    """

    label: str
    style: str
    x: Sequence[float]
    y: Sequence[float]
    words: Sequence[str] = ()
    trial: int | None = None


@dataclass(frozen=True)
class Bars:
    """Horizontal bars, each of which may stand for a trial.

    Args:
        label: What the legend calls them.
        style: How they look.
        rows: Their vertical positions.
        starts: Where they begin.
        ends: Where they end.
        words: What is said of each when it is pointed at.
        trials: The number of each one's trial, None where it is none.
    """

    label: str
    style: str
    rows: Sequence[float]
    starts: Sequence[float]
    ends: Sequence[float]
    words: Sequence[str]
    trials: Sequence[int | None]


@dataclass(frozen=True)
class Cells:
    """A map of cells, stronger in colour where there is more; the column `i` of row `j` stands at (i, j).

    Args:
        values: From 0 to `most`, row by row; None leaves a cell out.
        words: What is said of each cell, likewise.
        most: The value of the strongest colour.
    """

    values: Sequence[Sequence[float | None]]
    words: Sequence[Sequence[str]]
    most: float


@dataclass(frozen=True)
class Rule:
    """A dashed line across the panel.

    Args:
        label: What stands beside it.
        x: Where a vertical one stands.
        y: Where a horizontal one stands.
    """

    label: str
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True)
class Labels:
    """Small texts to the right of places."""

    x: Sequence[float]
    y: Sequence[float]
    texts: Sequence[str]


Mark = Points | Line | Bars | Cells | Labels | Rule


@dataclass(frozen=True)
class Panel:
    """One pair of axes with its marks, the first drawn lowest.

    Args:
        title: What tells it from the other panels of its chart; empty when it is alone.
        x: The horizontal axis.
        y: The vertical axis.
        marks: What it shows.
        diagonal: Whether a faint line shows where both axes have the same value.
    """

    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    diagonal: bool = False


@dataclass(frozen=True)
class Chart:
    """A figure.

    Args:
        caption: What it shows and how to read it.
        panels: At least one.
    """

    caption: str
    panels: tuple[Panel, ...]
