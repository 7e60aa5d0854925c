"""`autopeft train`: fine-tune a configuration of a front on all training data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["train"]


def train(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    pick: Annotated[
        str, typer.Option(help="best, knee, 'cheapest-within 0.5pt', 'budget 0.1%' or a trial number.")
    ] = "best",
    epochs: Annotated[float | None, typer.Option(help="Passes over the training split [those of a trial].")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; default: RUN/train.")] = None,
) -> None:
    """Train a configuration of a front on the whole training split, and save its adapters."""
    from dataclasses import replace

    from rich.console import Console

    from autopeft.cli.quiet import quiet
    from autopeft.errors import AutopeftError
    from autopeft.launch import open_run, prepare
    from autopeft.selection import pick as choose
    from autopeft.selection import selected_front
    from autopeft.space import Configuration
    from autopeft.study import prepare_folder
    from autopeft.training import fine_tune

    quiet()
    result = open_run(run)
    row = choose(selected_front(result), result.scale, pick)
    if epochs is not None and epochs <= 0:
        raise AutopeftError(f"--epochs is {epochs:g}; expected more than 0")
    prepared = prepare(result.plan)
    setting = prepared.setting if epochs is None else replace(prepared.setting, epochs=epochs)
    folder = out or run / "train"
    prepare_folder(folder)
    typer.echo(f"trial {row.trial}: {row.in_words}")
    typer.echo(f"{len(prepared.task.train):,} training examples, {setting.epochs:g} epochs, seed {seed}")
    metrics = fine_tune(
        Configuration.from_dict(row.configuration),
        prepared.backbone,
        prepared.task,
        setting,
        folder,
        seed=seed,
        progress=Console().is_terminal,
    )
    figures = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
    typer.echo(f"on validation, which the search selected on: {figures}")
    typer.echo(f"adapters, head and metrics.json are in {folder}")
