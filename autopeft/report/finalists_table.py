"""Finalists as a table for the terminal."""

from __future__ import annotations

from rich.table import Table

from autopeft.report.table import percent
from autopeft.report.words import untouched_in_words
from autopeft.selection import FinalistsFile, Interval

__all__ = ["finalists_table"]


def finalists_table(file: FinalistsFile) -> Table:
    """Build the table of finalists by rising cost, with 95 % intervals over seeds and examples."""
    table = Table(title="Finalists", title_justify="left", box=None, pad_edge=False, header_style="bold")
    numbers = (
        "parameters",
        "share",
        "seeds",
        "validation",
        f"test {file.metric}",
        "vs stock LoRA",
        "better",
        "on front",
    )
    table.add_column("finalist", no_wrap=True)
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("configuration", overflow="fold")
    names = {"head": untouched_in_words(file.metric), "stock-lora": "stock LoRA", "full": "full fine-tuning"}
    for row in file.finalists:
        table.add_row(
            names[row.baseline] if row.baseline else row.name.replace("-", " "),
            f"{row.params:,}",
            percent(row.share),
            str(len(row.seeds)),
            f"{row.validation.mean:.4f}",
            _around(row.test, 1, 4),
            "" if row.difference is None else _around(row.difference, 100, 1, "+"),
            "" if row.beats_stock is None else f"{row.beats_stock:.0%}",
            f"{row.front_probability:.0%}",
            row.in_words,
            style="dim" if row.baseline else None,
        )
    return table


def _around(interval: Interval, scale: int, digits: int, sign: str = "") -> str:
    margin = (interval.high - interval.low) / 2
    return f"{scale * interval.mean:{sign}.{digits}f} ± {scale * margin:.{digits}f}"
