"""Charts for a page, drawn by plotly in the browser: one plotly figure a panel."""

from __future__ import annotations

import html
import json
import textwrap
from collections.abc import Iterable
from math import log10
from typing import Any

from autopeft.reporting.chart import Axis, Bars, Cells, Labels, Line, Mark, Panel, Points, Rule
from autopeft.reporting.palette import BLUE, STYLES, Shape, Style

__all__ = ["plotly_figure"]

_SYMBOLS: dict[Shape, str] = {
    "circle": "circle",
    "square": "square",
    "diamond": "diamond",
    "triangle": "triangle-down",
    "cross": "x-thin-open",
    "ring": "circle-open",
}

#: From nothing to the full colour, so that the ground of the page shows through.
_SHADES = [[0.0, "rgba(47, 127, 214, 0.04)"], [1.0, BLUE]]

#: Letters of a line of what is said of a point, and of the title of an axis.
_LINE, _TITLE = 56, 38


def plotly_figure(panel: Panel) -> dict[str, Any]:
    """Return a panel as a plotly figure, plain data; texts, grid and ground take the page's colours by CSS.

    The number of a point's trial is its `customdata`, and that of a line's the trace's `meta`.
    """
    from plotly import graph_objects as go

    traces: list[Any] = []
    shapes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    named: set[str] = set()
    for mark in panel.marks:
        if isinstance(mark, Rule):
            shapes.append(_rule(mark))
            notes.append(_beside(mark, panel))
            continue
        label = getattr(mark, "label", "")
        traces.append(_trace(go, mark, legend=bool(label) and label not in named))
        named.add(label)
    if panel.diagonal:
        ends = panel.x.ends or (0.0, 1.0)
        corners = {"x0": ends[0], "y0": ends[0], "x1": ends[1], "y1": ends[1]}
        shapes.append({"type": "line", **corners, "line": {"dash": "dot", "width": 1, "color": STYLES["faint"].colour}})
    layout = go.Layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        xaxis=_axis(panel.x),
        yaxis=_axis(panel.y),
        shapes=shapes,
        annotations=notes,
        barmode="overlay",
        hovermode="closest",
        hoverlabel={"bgcolor": "#20262e", "font": {"color": "#ffffff", "size": 13}, "align": "left"},
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        showlegend=bool(named - {""}),
    )
    figure: dict[str, Any] = json.loads(go.Figure(traces, layout).to_json())
    return figure


def _axis(axis: Axis) -> dict[str, Any]:
    drawn: dict[str, Any] = {"title": {"text": _broken(axis.title, _TITLE), "standoff": 8}, "automargin": True}
    drawn |= {"zeroline": False, "type": "log" if axis.log else "linear"}
    if axis.log:
        drawn |= {"exponentformat": "power", "dtick": 1, "minor": {"ticks": "outside", "dtick": "D1"}}
    if axis.ticks:
        places, labels = zip(*axis.ticks, strict=True)
        drawn |= {"tickmode": "array", "tickvals": places, "ticktext": [html.escape(label) for label in labels]}
    if axis.bare:
        drawn |= {"showticklabels": False, "showgrid": False}
    if axis.ends:
        drawn["range"] = [log10(end) for end in axis.ends] if axis.log else list(axis.ends)
    return drawn


def _trace(go: Any, mark: Mark, *, legend: bool) -> Any:
    shared: dict[str, Any] = {"hovertemplate": "%{text}<extra></extra>", "showlegend": legend}
    match mark:
        case Points():
            spread = _spread(mark) if mark.spread else None
            shared |= {"name": mark.label, "text": _said(mark.words), "customdata": list(mark.trials)}
            marker = _marker(STYLES[mark.style])
            return go.Scatter(x=list(mark.x), y=list(mark.y), mode="markers", marker=marker, error_y=spread, **shared)
        case Line():
            style = STYLES[mark.style]
            if mark.words:
                shared["text"] = _said(mark.words)
            else:
                shared |= {"hovertemplate": None, "hoverinfo": "skip"}
            shared |= {"name": mark.label, "legendgroup": mark.label, "meta": mark.trial}
            mode = "lines+markers" if style.stepped else "lines"
            line = {"color": style.colour, "width": style.width}
            return go.Scatter(x=list(mark.x), y=list(mark.y), mode=mode, line=line, marker=_marker(style), **shared)
        case Bars():
            widths = [end - start for start, end in zip(mark.starts, mark.ends, strict=True)]
            shared |= {"name": mark.label, "text": _said(mark.words), "customdata": list(mark.trials)}
            place = {"x": widths, "base": list(mark.starts), "y": list(mark.rows), "width": 0.7, "orientation": "h"}
            return go.Bar(**place, marker={"color": STYLES[mark.style].colour}, textposition="none", **shared)
        case Cells():
            said = [_said(row) for row in mark.words]
            scale = {"zmin": 0, "zmax": mark.most or 1, "colorscale": _SHADES, "showscale": False}
            hover = {"hovertext": said, "hovertemplate": "%{hovertext}<extra></extra>"}
            return go.Heatmap(z=[list(row) for row in mark.values], xgap=2, ygap=2, **scale, **hover)
        case Labels():
            texts = [f" {html.escape(text)}" for text in mark.texts]
            place = {
                "x": list(mark.x),
                "y": list(mark.y),
                "text": texts,
                "mode": "text",
                "textposition": "middle right",
            }
            return go.Scatter(**place, textfont={"size": 11}, hoverinfo="skip", showlegend=False)
    raise AssertionError(f"not a trace: {mark}")


def _marker(style: Style) -> dict[str, Any]:
    # A thin cross has only its outline to be seen by.
    line = {"width": 2, "color": style.colour} if style.shape in ("cross", "ring") else {"width": 0}
    return {"symbol": _SYMBOLS[style.shape], "size": style.size, "color": style.colour, "line": line}


def _spread(mark: Points) -> dict[str, Any]:
    up = [high - y for y, (_, high) in zip(mark.y, mark.spread, strict=True)]
    down = [y - low for y, (low, _) in zip(mark.y, mark.spread, strict=True)]
    return {"type": "data", "array": up, "arrayminus": down, "symmetric": False, "thickness": 1.5, "width": 4}


def _rule(mark: Rule) -> dict[str, Any]:
    line = {"dash": "dash", "width": 1, "color": STYLES["faint"].colour}
    if mark.y is None:
        return {"type": "line", "x0": mark.x, "x1": mark.x, "yref": "paper", "y0": 0, "y1": 1, "line": line}
    return {"type": "line", "y0": mark.y, "y1": mark.y, "xref": "paper", "x0": 0, "x1": 1, "line": line}


def _beside(mark: Rule, panel: Panel) -> dict[str, Any]:
    shared = {"text": html.escape(mark.label), "showarrow": False, "font": {"size": 11}}
    if mark.x is not None:
        place = log10(mark.x) if panel.x.log else mark.x
        turned = {"x": place, "yref": "paper", "y": 0.02, "textangle": -90}
        return {**shared, **turned, "yanchor": "bottom", "xanchor": "right"}
    return {**shared, "y": mark.y, "xref": "paper", "x": 1, "xanchor": "right", "yanchor": "bottom"}


def _said(words: Iterable[str]) -> list[str]:
    return [_broken(text) for text in words]


def _broken(text: str, width: int = _LINE) -> str:
    """Break a text into lines for plotly, which reads a little HTML."""
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, width)]
    return "<br>".join(html.escape(line) for line in lines)
