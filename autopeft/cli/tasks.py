"""`autopeft tasks`: what data a search can run on."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["tasks"]


def tasks(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the packaged tasks and the metrics."""
    from autopeft.cli.json_output import documents
    from autopeft.tasks import CAUSAL_METRICS, METRICS, PACKAGED
    from autopeft.tasks.causal import FORMATS

    with documents(json) as write:
        if json:
            packaged = {name: task.summary for name, task in PACKAGED.items()}
            write({"tasks": packaged, "metrics": [*METRICS, *CAUSAL_METRICS]})
            return
    for name, task in PACKAGED.items():
        typer.echo(f"{name:<8} {task.summary}")
    typer.echo("your own: --data FILE --text COLUMN [--text2 COLUMN] --label COLUMN (CSV, TSV, JSONL, Parquet)")
    typer.echo("for decoders, recognised by the columns: " + "; ".join(", ".join(form.columns) for form in FORMATS))
    typer.echo(f"metrics: {', '.join(METRICS)}; of decoders: {', '.join(CAUSAL_METRICS)}")
