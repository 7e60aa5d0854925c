"""A front as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from autopeft.costs import OBJECTIVES
from autopeft.reporting.words import baseline_in_words
from autopeft.study import Front, FrontRow, Standing
from autopeft.trials import TrialKind
from autopeft.trials.outcome import ENDED

__all__ = ["front_table", "percent", "row_cells"]

_STANDINGS: Mapping[Standing, str] = {
    "front": "on the front",
    "dominated": "dominated",
    "over-budget": "over the budget",
    "no-end": "",
}


def front_table(front: Front, metric: str, kind: type[TrialKind]) -> Table:
    """Build the table of a run's front: its rows by rising cost, then the baselines that are not on it.

    Where some stand elsewhere than on the front, a column says where.
    """
    table = Table(title="Pareto front", title_justify="left", box=None, pad_edge=False, header_style="bold")
    costs = [name for row in front.rows[:1] for name in row.costs if name != "params"]
    for column in ("trial", "parameters", "share", *costs, metric, "vs stock LoRA"):
        table.add_column(column, justify="right", no_wrap=True, overflow="fold")
    on_front = {row.trial for row in front.rows}
    beside = [row for row in front.baselines if row.trial not in on_front]
    stands = bool(beside) or any(row.outside for row in front.rows)
    if stands:
        table.add_column("", no_wrap=True)
    table.add_column("configuration", overflow="fold")
    for row in (*front.rows, *beside):
        *figures, words = row_cells(row, kind)
        where = [_where(row)] if stands else []
        table.add_row(*figures, *where, words, style=None if row.trial in on_front else "dim")
    return table


def _where(row: FrontRow) -> str:
    """Say where a row stands."""
    return _STANDINGS[row.standing] + (", outside the space" if row.outside else "")


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
