"""`autopeft front`: show the front of a run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autopeft.cli import options

__all__ = ["front"]


def front(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    trust_remote_code: options.TrustRemoteCode = False,
    plugin: options.Plugin = None,
    json: Annotated[bool, typer.Option("--json", help="Print what front.json holds.")] = False,
) -> None:
    """Show the Pareto front of a run."""
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.cli.terminal import Terminal
    from autopeft.launch import open_run
    from autopeft.reporting import front_data, front_table

    quiet()
    with documents(json) as write:
        result = open_run(run, trust_remote_code, plugin=plugin)
        if json:
            write(front_data(result))
            return
    console = Terminal()
    console.print(front_table(result.front, result.metric, result.kind))
    console.print(result.front.verdict, highlight=False)
