"""Finalists as a table for the terminal."""

from __future__ import annotations

from rich.table import Table

from autopeft.methods import TITLES
from autopeft.selection import FinalistsFile, Interval
from autopeft.trials import TrialKind

__all__ = ["finalists_table"]


def finalists_table(file: FinalistsFile, kind: type[TrialKind]) -> Table:
    """Build the table of finalists by rising cost: the metric on test, points above the best reference, probabilities.

    Intervals are of 95 %, over seeds and examples; eighty columns hold it.
    """
    table = Table(
        title=f"Finalists: {file.metric} on test, against {TITLES[file.reference]}",
        title_justify="left",
        box=None,
        pad_edge=False,
        collapse_padding=True,
        header_style="bold",
    )
    table.add_column("finalist", no_wrap=True)
    names = TITLES | {"head": kind.untouched, "full": "full fine-tuning"}
    for column in ("parameters", "seeds", "test", "points", "better", "on front"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in file.finalists:
        against = row.against.get(file.reference)
        table.add_row(
            names[row.baseline] if row.baseline else row.name.replace("-", " "),
            f"{row.params:,}",
            str(len(row.seeds)),
            _around(row.test, 1, ".3f"),
            "" if against is None else _around(against.difference, 100, "+.1f"),
            "" if against is None else f"{against.probability:.0%}",
            f"{row.front_probability:.0%}",
            style="dim" if row.baseline else None,
        )
    return table


def _around(interval: Interval, scale: int, form: str) -> str:
    margin = (interval.high - interval.low) / 2
    return f"{scale * interval.mean:{form}} ± {scale * margin:{form.lstrip('+')}}"
