"""The listing of published systems, which `autopeft methods --systems` prints."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

from autopeft.cli.echo import echo

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["print_systems", "rows_of_systems"]

#: Columns of the terminal that the listing takes at most, and where there is no terminal.
_WIDTH = 160


def rows_of_systems(method: str | None) -> list[dict[str, Any]]:
    """Return what is known of published systems, as JSON data.

    Args:
        method: Only of those that this method offers.

    Raises:
        AutopeftError: When it offers none.
    """
    from dataclasses import asdict

    from autopeft.cli.app import app
    from autopeft.errors import AutopeftError
    from autopeft.methods import METHODS
    from autopeft.methods.systems import offers, state_of, systems
    from autopeft.tasks import KINDS

    chosen = [system for system in systems() if method is None or offers(method, system)]
    if not chosen:
        raise AutopeftError(f"no published system is offered by {method!r}; leave the name or --systems out")
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    rows = []
    for system in chosen:
        state = state_of(system, METHODS, KINDS, verbs=verbs)
        use = system.use if state in ("works", "tested on toy data") else ""
        rows.append(asdict(system) | {"state": state, "use": use, "differs": system.differences})
    return rows


def print_systems(rows: list[dict[str, Any]], *, whole: bool) -> None:
    """Print a line for each system, and how many are in each state.

    Args:
        rows: What `rows_of_systems` returned.
        whole: Whether what else is known of each follows.
    """
    from autopeft.cli.terminal import Terminal

    console = Terminal()
    console.width = min(console.width, _WIDTH) if console.is_terminal else _WIDTH
    console.print(_table(rows))
    if whole:
        for row in rows:
            echo("\n".join(_details(row)))
        return
    counts = Counter(row["state"] for row in rows)
    echo(f"{len(rows)} systems: {', '.join(f'{count} {state}' for state, count in counts.most_common())}")
    echo("What uses one is a command, or a space to be named by --space; `--json` says more.")


def _table(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("system", ratio=3)
    table.add_column("state", no_wrap=True)
    table.add_column("fidelity", no_wrap=True)
    table.add_column("offered by", ratio=3)
    table.add_column("use", ratio=5)
    for row in rows:
        words = (row["name"], row["state"], row["fidelity"], ", ".join(row["offered_by"]), row["use"])
        table.add_row(str(row["id"]), *map(Text, words))
    return table


def _details(row: dict[str, Any]) -> list[str]:
    """Return what is known of a system beside its line in the table."""
    recorded = f"studies/{row['recorded']}" if row["recorded"] else ""
    said = {"source": row["source"], "recorded in": recorded}
    said |= {name: row[name] or "" for name in ("scale", "budget", "mode", "differs")}
    return [f"{row['id']} {row['name']}", *(f"  {name}: {words}" for name, words in said.items() if words)]
