"""A page from its sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from autopeft.reporting.chart import Absent, Chart
from autopeft.reporting.screen import plotly_figure

__all__ = ["Section", "render", "section"]


@dataclass(frozen=True)
class Plot:
    """A figure of plotly's at its place in the page.

    Args:
        name: The id of its element.
        title: What tells it from the others of its section; may be empty.
        figure: What plotly draws.
    """

    name: str
    title: str
    figure: Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """A section with figures.

    Args:
        name: Its id.
        title: Its heading.
        caption: What its figures show.
        plots: Its figures.
        absent: Why it has none; empty where it has.
    """

    name: str
    title: str
    caption: str = ""
    plots: tuple[Plot, ...] = ()
    absent: str = ""


def section(name: str, title: str, chart: Chart | Absent) -> Section:
    """Return the section of a chart."""
    if isinstance(chart, Absent):
        return Section(name, title, absent=chart.reason)
    plots = (
        Plot(f"{name}-{number}", panel.title, plotly_figure(panel)) for number, panel in enumerate(chart.panels, 1)
    )
    return Section(name, title, chart.caption, tuple(plots))


def render(
    template: str,
    title: str,
    *,
    statements: Sequence[str],
    headings: Mapping[str, str],
    sections: Sequence[Section],
    **content: Any,
) -> str:
    """Return a page as HTML.

    Args:
        template: Name of its template in this folder.
        title: Its heading.
        statements: What stands below it.
        headings: What the list of contents shows, by the ids of sections.
        sections: The sections with figures.
        **content: What else the template shows.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    loader = PackageLoader("autopeft.reporting", "page")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    here = files("autopeft.reporting.page")
    return environment.get_template(f"{template}.html.jinja").render(
        title=title,
        statements=statements,
        headings=headings.items(),
        sections=sections,
        figures={plot.name: plot.figure for each in sections for plot in each.plots},
        style=Markup(here.joinpath("style.css").read_text(encoding="utf8")),
        script=Markup(here.joinpath("page.js").read_text(encoding="utf8")),
        live=Markup(here.joinpath("live.js").read_text(encoding="utf8")),
        plotly=Markup(get_plotlyjs()),
        **content,
    )
