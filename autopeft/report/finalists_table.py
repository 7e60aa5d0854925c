"""Finalists as a table for the terminal."""

from __future__ import annotations

from rich.table import Table

from autopeft.selection import FinalistsFile, Interval
from autopeft.trials import TrialKind

__all__ = ["finalists_table"]


def finalists_table(file: FinalistsFile, kind: type[TrialKind]) -> Table:
    """Build the table of finalists by rising cost: accuracy on test, points above stock LoRA, and probabilities.

    Intervals are of 95 %, over seeds and examples; eighty columns hold it.
    """
    table = Table(
        title=f"Finalists: {file.metric} on test",
        title_justify="left",
        box=None,
        pad_edge=False,
        collapse_padding=True,
        header_style="bold",
    )
    table.add_column("finalist", no_wrap=True)
    for column in ("parameters", "seeds", "test", "vs stock LoRA", "better", "on front"):
        table.add_column(column, justify="right", no_wrap=True)
    names = {"head": kind.untouched, "stock-lora": "stock LoRA", "full": "full fine-tuning"}
    for row in file.finalists:
        table.add_row(
            names[row.baseline] if row.baseline else row.name.replace("-", " "),
            f"{row.params:,}",
            str(len(row.seeds)),
            _around(row.test, 1, ".3f"),
            "" if row.difference is None else _around(row.difference, 100, "+.1f"),
            "" if row.beats_stock is None else f"{row.beats_stock:.0%}",
            f"{row.front_probability:.0%}",
            style="dim" if row.baseline else None,
        )
    return table


def _around(interval: Interval, scale: int, form: str) -> str:
    margin = (interval.high - interval.low) / 2
    return f"{scale * interval.mean:{form}} ± {scale * margin:{form.lstrip('+')}}"
