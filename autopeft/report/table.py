"""A front as a table for the terminal."""

from __future__ import annotations

from rich.table import Table

from autopeft.costs import OBJECTIVES
from autopeft.report.words import baseline_in_words
from autopeft.study import Front, FrontRow
from autopeft.trials import TrialKind
from autopeft.trials.outcome import ENDED

__all__ = ["front_table", "percent", "row_cells"]


def front_table(front: Front, metric: str, kind: type[TrialKind]) -> Table:
    """Build the table of a run's front: its rows by rising cost, then the baselines that are not on it."""
    table = Table(title="Pareto front", title_justify="left", box=None, pad_edge=False, header_style="bold")
    costs = [name for row in front.rows[:1] for name in row.costs if name != "params"]
    for column in ("trial", "parameters", "share", *costs, metric, "vs stock LoRA"):
        table.add_column(column, justify="right", no_wrap=True, overflow="fold")
    table.add_column("configuration", overflow="fold")
    for row in front.rows:
        table.add_row(*row_cells(row, kind))
    on_front = {row.trial for row in front.rows}
    for row in front.baselines:
        if row.trial not in on_front:
            table.add_row(*row_cells(row, kind), style="dim")
    return table


def row_cells(row: FrontRow, kind: type[TrialKind]) -> tuple[str, ...]:
    """Return a row's cells as text: trial, parameters, share, other costs, accuracy, points over stock LoRA, words."""
    over = "" if row.over_stock is None else f"{100 * row.over_stock:+.1f}"
    words = baseline_in_words(row.baseline, row.in_words, kind)
    costs = [OBJECTIVES[name].shown(value) for name, value in row.costs.items() if name != "params"]
    reached = ENDED[row.status] if row.failed else f"{row.accuracy:.4f}"
    return (str(row.trial), f"{row.params:,}", percent(row.share), *costs, reached, over, words)


def percent(share: float) -> str:
    """Write a fraction as a percentage with two significant digits, e.g. 0.0082 as `0.82%`."""
    if share == 0:
        return "0%"
    digits = 2
    text = f"{100 * share:.{digits}g}"
    return f"{float(text):f}".rstrip("0").rstrip(".") + "%"
