"""`autopeft export`: hand a configuration of a front to the tools people train with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["export"]


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    pick: Annotated[
        str, typer.Option(help="best, knee, 'cheapest-within 0.5pt', 'budget 0.1%' or a trial number.")
    ] = "best",
    to: Annotated[str, typer.Option(help="peft or autopeft.")] = "peft",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; default: RUN/export.")] = None,
) -> None:
    """Export a configuration of a front, checked by building it from the files."""
    from autopeft.backbones import load_backbone, load_decoder
    from autopeft.cli.quiet import quiet
    from autopeft.export import export as write
    from autopeft.launch import open_run
    from autopeft.selection import pick as choose
    from autopeft.selection import selected_front
    from autopeft.space import Configuration

    quiet()
    result = open_run(run)
    row = choose(selected_front(result), result.scale, pick)
    load = load_decoder if result.causal else load_backbone
    backbone = load(result.plan.model, result.plan.revision, result.plan.roles)
    folder = out or run / "export"
    typer.echo(f"trial {row.trial}: {row.in_words}")
    for line in write(Configuration.from_dict(row.configuration), backbone, to, folder):
        typer.echo(line)
    typer.echo(f"written to {folder}")
