"""`autopeft export`: hand a configuration of a front to the tools people train with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autopeft.cli import options

__all__ = ["export"]


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    pick: Annotated[
        str, typer.Option(help="best, knee, 'cheapest-within 0.5pt', 'budget 0.1%' or a trial number.")
    ] = "best",
    to: Annotated[
        str, typer.Option(help="peft, autopeft, transformers, trl, axolotl, llamafactory or torchtune.")
    ] = "peft",
    trust_remote_code: options.TrustRemoteCode = False,
    allow_lossy: Annotated[
        bool, typer.Option("--allow-lossy", help="Leave out, and list, what a target cannot express but adapters can.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; default: RUN/export.")] = None,
) -> None:
    """Export a configuration of a front, checked by building a model of the files."""
    from dataclasses import replace

    from autopeft.cli.quiet import quiet
    from autopeft.export import ExportJob, target_named
    from autopeft.export import export as write
    from autopeft.launch import groundwork, open_run
    from autopeft.selection import choice_of, selected_front
    from autopeft.selection import pick as choose

    quiet()
    target_named(to)
    result = open_run(run, trust_remote_code)
    row = choose(selected_front(result), result.scale, pick)
    choice = choice_of(run, row)
    ground = groundwork(result.plan.model_copy(update={"load_in_4bit": False, "load_in_8bit": False}))
    setting = ground.setting if choice.epochs is None else replace(ground.setting, epochs=choice.epochs)
    seed = ground.plan.seed if choice.seed is None else choice.seed
    folder = out or run / "export"
    typer.echo(f"trial {row.trial}: {row.in_words}")
    job = ExportJob(choice.configuration, ground.backbone, ground.task, setting, seed, choice.trained)
    for line in write(job, to, folder, allow_lossy=allow_lossy):
        typer.echo(line)
    if ground.backbone.runs_own_code:
        typer.echo("the model brings code of its own: what trains it must be told to trust it")
    if result.plan.quantization:
        typer.echo(f"trials held the backbone in {result.plan.quantization}: load it so to train as they did")
    typer.echo(f"written to {folder}")
