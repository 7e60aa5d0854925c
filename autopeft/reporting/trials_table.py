"""All trials of a study as a table for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from autopeft.costs import OBJECTIVES
from autopeft.reporting.words import baseline_in_words
from autopeft.study import STATES, TrialRow
from autopeft.trials import TrialKind

__all__ = ["summed_up", "trials_table"]


def trials_table(rows: Sequence[TrialRow], metric: str, kind: type[TrialKind]) -> Table:
    """Build the table of a study's trials; why one failed stands below its configuration.

    Args:
        rows: The trials, in their order.
        metric: What their accuracy is.
        kind: What trials were of.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("trial", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    costs = list(dict.fromkeys(name for row in rows for name in row.costs))
    for column in (*("parameters" if name == "params" else name for name in costs), metric, "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("configuration", overflow="fold")
    for row in rows:
        table.add_row(
            str(row.trial),
            row.state,
            *(OBJECTIVES[name].shown(row.costs[name]) if name in row.costs else "" for name in costs),
            "" if row.accuracy is None else f"{row.accuracy:.4f}",
            "" if row.seconds is None else f"{row.seconds:.0f}",
            _words(row, kind),
            style="dim" if row.state in ("running", "waiting") else None,
        )
    return table


def summed_up(rows: Sequence[TrialRow]) -> str:
    """Say how many trials there are in each state."""
    counts = Counter(row.state for row in rows)
    states = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return f"{len(rows)} trials: {states}" if rows else "no trials"


def _words(row: TrialRow, kind: type[TrialKind]) -> Text:
    """Say what a trial is, and why it failed."""
    # As text: what others wrote may have brackets in it.
    words = Text(baseline_in_words(row.baseline, row.in_words, kind))
    if row.retry_of is not None:
        words.append(f"; trial {row.retry_of} again")
    if row.derived_from is not None:
        words.append(f"; made of trial {row.derived_from}")
    if row.message:
        words.append(f"\n{row.message}", style="red" if row.failed else "")
    return words
