"""Charts as image files, drawn by matplotlib."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autopeft.reporting.chart import Axis, Bars, Cells, Chart, Labels, Line, Mark, Panel, Points, Rule
from autopeft.reporting.palette import STYLES, Shape
from autopeft.whole_file import whole_file

__all__ = ["draw"]

_MARKERS: dict[Shape, str] = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle": "v",
    "cross": "x",
    "ring": "o",
}

#: Panels in a row at most, and the size of one in inches.
_COLUMNS, _WIDTH, _HEIGHT = 3, 6.4, 4.4

#: Points of the paper for a pixel of the screen.
_POINT = 0.6

_RULE, _GRID = "#777777", "#e6e6e6"


def draw(chart: Chart, files: Sequence[Path]) -> None:
    """Draw a chart into files, each of the type its name ends in (png, svg, pdf)."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    count = len(chart.panels)
    columns = min(count, _COLUMNS)
    rows = math.ceil(count / columns)
    width = 8.0 if columns == 1 else _WIDTH * columns
    # Text stays text in SVG, and the ids in it are the same in every drawing.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "autopeft"}):
        figure = Figure(figsize=(width, 5.0 if count == 1 else _HEIGHT * rows), dpi=150, layout="constrained")
        for place, panel in enumerate(chart.panels, 1):
            _draw_panel(figure.add_subplot(rows, columns, place), panel)
        for file in files:
            with whole_file(file) as partial:
                kind = file.suffix.removeprefix(".")
                figure.savefig(partial, format=kind, metadata={"Date": None} if kind == "svg" else None)


def _draw_panel(axes: Any, panel: Panel) -> None:
    axes.set_title(textwrap.fill(panel.title, 60), fontsize="medium")
    if panel.diagonal:
        axes.axline((0, 0), slope=1, color=_RULE, lw=1, ls=":")
    named: set[str] = set()
    for mark in panel.marks:
        label = getattr(mark, "label", "")
        _draw_mark(axes, mark, label if label not in named else "")
        named.add(label)
    for name, axis in (("x", panel.x), ("y", panel.y)):
        _draw_axis(axes, name, axis)
    if not any(isinstance(mark, Cells) for mark in panel.marks):
        axes.grid(True, which="major", color=_GRID, lw=0.6)
        axes.set_axisbelow(True)
    if named - {""}:
        axes.legend(loc="best", frameon=False, fontsize="small")


def _draw_axis(axes: Any, name: str, axis: Axis) -> None:
    getattr(axes, f"set_{name}label")(textwrap.fill(axis.title, 70))
    if axis.log:
        getattr(axes, f"set_{name}scale")("log")
    if axis.ticks:
        places, labels = zip(*axis.ticks, strict=True)
        turned = {"rotation": 30, "ha": "right"} if name == "x" and max(map(len, labels)) > 6 else {}
        getattr(axes, f"set_{name}ticks")(places, labels, fontsize="small", **turned)
    if axis.bare:
        getattr(axes, f"set_{name}ticks")([])
    if axis.ends:
        getattr(axes, f"set_{name}lim")(*axis.ends)


def _draw_mark(axes: Any, mark: Mark, label: str) -> None:
    match mark:
        case Points():
            _draw_points(axes, mark, label)
        case Line():
            style = STYLES[mark.style]
            dots = {"marker": "o", "ms": style.size * _POINT} if style.stepped else {}
            axes.plot(mark.x, mark.y, color=style.colour, lw=style.width * 0.8, label=label or None, **dots)
        case Bars():
            widths = [end - start for start, end in zip(mark.starts, mark.ends, strict=True)]
            colour = STYLES[mark.style].colour
            axes.barh(mark.rows, widths, left=mark.starts, height=0.7, color=colour, label=label or None)
        case Cells():
            values = [[math.nan if value is None else value for value in row] for row in mark.values]
            axes.imshow(values, cmap="Blues", vmin=0, vmax=mark.most or 1, origin="lower", aspect="auto")
        case Labels():
            for x, y, text in zip(mark.x, mark.y, mark.texts, strict=True):
                beside = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "fontsize": "x-small"}
                axes.annotate(text, (x, y), **beside, bbox={"fc": "white", "ec": "none", "alpha": 0.7, "pad": 0.5})
        case Rule():
            across, place = (axes.axvline, mark.x) if mark.y is None else (axes.axhline, mark.y)
            across(place, color=_RULE, ls="--", lw=1, label=label or None)


def _draw_points(axes: Any, mark: Points, label: str) -> None:
    style = STYLES[mark.style]
    if mark.spread:
        low = [y - ends[0] for y, ends in zip(mark.y, mark.spread, strict=True)]
        high = [ends[1] - y for y, ends in zip(mark.y, mark.spread, strict=True)]
        axes.errorbar(mark.x, mark.y, (low, high), fmt="none", ecolor=style.colour, elinewidth=1.2, capsize=3)
    hollow = style.shape == "ring"
    axes.scatter(
        mark.x,
        mark.y,
        s=(style.size * _POINT) ** 2,
        marker=_MARKERS[style.shape],
        label=label or None,
        zorder=3,
        **({"facecolors": "none", "edgecolors": style.colour} if hollow else {"color": style.colour}),
    )
