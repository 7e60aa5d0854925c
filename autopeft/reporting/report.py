"""The report of a run: one page, and each of its figures as image files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autopeft.methods import TITLES
from autopeft.reporting.chart import Absent, Chart
from autopeft.reporting.charts import CHARTS
from autopeft.reporting.data.about import about
from autopeft.reporting.data.table import other_rows, rows_of_front
from autopeft.reporting.page import render, section
from autopeft.reporting.paper import draw
from autopeft.reporting.run import Run
from autopeft.study import prepare_folder
from autopeft.whole_file import write_text

__all__ = ["FIGURES", "REPORT", "Written", "page_of", "write_report"]

#: The page in the folder of a report, and the folder of its images.
REPORT, FIGURES = "report.html", "figures"


@dataclass(frozen=True)
class Written:
    """What was written.

    Args:
        page: The page.
        figures: The folder of the images.
        absent: Why figures are missing, by their titles.
    """

    page: Path
    figures: Path
    absent: dict[str, str]


def write_report(run: Run, folder: Path) -> Written:
    """Write the page and the images of a run.

    Raises:
        StudyError: When the folder cannot be written.
    """
    figures = folder / FIGURES
    prepare_folder(figures)
    charts = {name: kind.make(run) for name, kind in CHARTS.items()}
    for name, chart in charts.items():
        if isinstance(chart, Chart):
            draw(chart, [figures / f"{name}.png", figures / f"{name}.svg"])
    page = folder / REPORT
    write_text(page, page_of(run, charts))
    absent = {CHARTS[name].title: chart.reason for name, chart in charts.items() if isinstance(chart, Absent)}
    return Written(page, figures, absent)


def page_of(run: Run, charts: Mapping[str, Chart | Absent] | None = None, *, template: str = "report") -> str:
    """Return the page of a run as HTML.

    Args:
        run: The run.
        charts: Its figures by name; made of it when left out.
        template: Name of the template.
    """
    charts = {name: kind.make(run) for name, kind in CHARTS.items()} if charts is None else charts
    titles = {name: kind.title for name, kind in CHARTS.items()}
    first, *others = titles
    finalists = {"finalists": "Finalists"} if run.finalists else {}
    return render(
        template,
        f"autopeft: {run.name}",
        statements=[run.finalists.verdict if run.finalists else run.result.front.verdict],
        headings={first: titles[first], "table": "Configurations"}
        | finalists
        | {name: titles[name] for name in others}
        | {"about": "Data and environment"},
        sections=[section(name, titles[name], chart) for name, chart in charts.items()],
        metric=run.metric,
        costs=[name for name in run.result.scale.costs if name != "params"],
        front=rows_of_front(run),
        others=other_rows(run),
        finalists=run.finalists,
        reference=None if run.finalists is None else TITLES[run.finalists.reference],
        about=about(run),
    )
