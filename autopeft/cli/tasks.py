"""`autopeft tasks`: what data a search can run on."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["tasks"]


def tasks(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the packaged tasks and the metrics."""
    from autopeft.tasks import METRICS, PACKAGED

    if json:
        from json import dumps

        typer.echo(
            dumps(
                {"tasks": {name: task.summary for name, task in PACKAGED.items()}, "metrics": list(METRICS)}, indent=2
            )
        )
        return
    for name, task in PACKAGED.items():
        typer.echo(f"{name:<8} {task.summary}")
    typer.echo("your own: --data FILE --text COLUMN [--text2 COLUMN] --label COLUMN (CSV, TSV, JSONL, Parquet)")
    typer.echo(f"metrics: {', '.join(METRICS)}")
