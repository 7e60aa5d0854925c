"""`autopeft compare`: fronts of several runs over each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autopeft.cli import options
from autopeft.cli.echo import echo

__all__ = ["compare"]


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, at least two.")],
    trust_remote_code: options.TrustRemoteCode = False,
    plugin: options.Plugin = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("comparison"),
) -> None:
    """Say whether the fronts of runs differ; write comparison.html and its figure as PNG and SVG."""
    from autopeft.cli.quiet import quiet
    from autopeft.cli.terminal import Terminal
    from autopeft.reporting import compare_runs, read_run, summary_table, write_comparison

    quiet()
    comparison = compare_runs([read_run(run, trust_remote_code, plugin=plugin) for run in runs])
    Terminal().print(summary_table(comparison.summaries))
    for line in comparison.statements:
        echo(line)
    page = write_comparison(comparison, out)
    echo(f"{page}, and its figure as PNG and SVG in {out}")
