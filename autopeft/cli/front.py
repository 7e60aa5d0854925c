"""`autopeft front`: show the front of a run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["front"]


def front(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    json: Annotated[bool, typer.Option("--json", help="Print what front.json holds.")] = False,
) -> None:
    """Show the Pareto front of a run."""
    from rich.console import Console

    from autopeft.cli.quiet import quiet
    from autopeft.launch import open_run
    from autopeft.report import front_data, front_table, metric_of

    quiet()
    result = open_run(run)
    if json:
        from json import dumps

        typer.echo(dumps(front_data(result), indent=2))
        return
    console = Console()
    console.print(front_table(result.front, metric_of(result)))
    console.print(result.front.verdict, highlight=False)
