"""A comparison of runs, and its page and images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from autopeft.reporting.chart import Chart
from autopeft.reporting.compare.chart import fronts_chart
from autopeft.reporting.compare.comparable import check_comparable, what_differs
from autopeft.reporting.compare.summary import COLUMNS, Summary, summary_of
from autopeft.reporting.compare.verdict import verdicts
from autopeft.reporting.page import render, section
from autopeft.reporting.paper import draw
from autopeft.reporting.run import Run
from autopeft.study import prepare_folder
from autopeft.whole_file import write_text

__all__ = ["Comparison", "compare_runs", "write_comparison"]

_TITLE = "Fronts"


@dataclass(frozen=True)
class Comparison:
    """Several runs held against each other.

    Args:
        summaries: Each run in a row.
        statements: What differs between the runs, and for every two of them whether their fronts differ.
        chart: Their fronts over each other.
    """

    summaries: tuple[Summary, ...]
    statements: tuple[str, ...]
    chart: Chart


def compare_runs(runs: Sequence[Run]) -> Comparison:
    """Hold runs against each other.

    Raises:
        StudyError: When they are fewer than two, or differ in splits, objectives or `final:` setting.
    """
    names = _names(runs)
    check_comparable(runs, names)
    statements = what_differs(runs, names) + [
        line
        for (ours, our_name), (theirs, their_name) in combinations(zip(runs, names, strict=True), 2)
        for line in verdicts(ours, theirs, our_name, their_name)
    ]
    summaries = tuple(summary_of(run, name) for run, name in zip(runs, names, strict=True))
    return Comparison(summaries, tuple(statements), fronts_chart(runs, names))


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write comparison.html and its figure as PNG and SVG; return the page.

    Raises:
        StudyError: When the folder cannot be written.
    """
    prepare_folder(folder)
    draw(comparison.chart, [folder / "fronts.png", folder / "fronts.svg"])
    page = folder / "comparison.html"
    text = render(
        "comparison",
        "autopeft: " + ", ".join(summary[0] for summary in comparison.summaries),
        statements=comparison.statements,
        headings={"fronts": _TITLE, "runs": "Runs"},
        sections=[section("fronts", _TITLE, comparison.chart)],
        columns=COLUMNS,
        summaries=comparison.summaries,
    )
    write_text(page, text)
    return page


def _names(runs: Sequence[Run]) -> list[str]:
    """Return the names of the run folders, or their paths where two have the same name."""
    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.result.folder) for run in runs]
