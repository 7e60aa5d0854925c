"""Runs side by side in a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from autopeft.reporting.run import Run

__all__ = ["COLUMNS", "Summary", "summary_of", "summary_table"]

#: The headings of the table.
COLUMNS = ("run", "trials", "hypervolume", "best on validation", "parameters", "finalists", "configuration")


#: A run in one row, in the order of `COLUMNS`.
Summary = tuple[str, ...]


def summary_of(run: Run, name: str) -> Summary:
    """Return the row of a run."""
    front = run.result.front
    best = max(front.rows, key=lambda row: row.accuracy, default=None)
    return (
        name,
        str(len(run.trials)),
        "" if front.hypervolume is None else f"{front.hypervolume:.4f}",
        "" if best is None else f"{best.accuracy:.4f}",
        "" if best is None else f"{best.params:,}",
        "none yet" if run.finalists is None else str(len(run.finalists.finalists)),
        "" if best is None else best.in_words,
    )


def summary_table(summaries: Sequence[Summary]) -> Table:
    """Build the table for the terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for summary in summaries:
        table.add_row(*summary)
    return table
