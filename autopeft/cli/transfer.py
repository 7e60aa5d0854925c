"""`autopeft transfer`: what the finalists of a run are worth on another task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.data_options import DATA, takes
from autopeft.cli.header import say_on
from autopeft.cli.voice import voice_of

__all__ = ["transfer"]


@takes(DATA)
def transfer(
    run: Annotated[Path, typer.Argument(help="Run folder, its finalists selected.")],
    beside: Annotated[
        Path | None, typer.Option(help="Run folder of a search on the other task, to be held against.")
    ] = None,
    examples: options.Examples = None,
    epochs: options.Epochs = None,
    seeds: Annotated[int | None, typer.Option(help="Most seeds of a finalist, at least 3 \\[13].")] = None,
    margin: options.Margin = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Trainings at once \\[as in the run].")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run folder of the transfer.")] = None,
    trust_remote_code: options.TrustRemoteCode = False,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print transfer.json to standard output, the rest to standard error.")
    ] = False,
    **settings: Any,
) -> None:
    """Train the finalists of a run on another task, without a search there, beside the references."""
    from autopeft.cli.json_output import documents
    from autopeft.cli.search import run as run_plan
    from autopeft.cli.select import decide
    from autopeft.cli.terminal import Terminal
    from autopeft.launch import open_run, prepare
    from autopeft.selection import (
        check_beside,
        check_seeds,
        margin_of,
        plan_of_transfer,
        transfer_of,
        weights_of,
    )

    voice = voice_of(verbose, quiet)
    named = {"examples": examples, "epochs": epochs, "margin": margin, "workers": workers, "out": out}
    asked = {name: value for name, value in named.items() if value is not None} | settings
    with documents(json) as write:
        console = Terminal(stderr=json)
        plugin = settings.get("plugin")
        from_run = open_run(run, trust_remote_code, plugin=plugin)
        held = None if beside is None else open_run(beside, trust_remote_code, plugin=plugin)
        if weights := weights_of(from_run):
            say_on(console)(f"{', '.join(weights)} are of the tasks of {run}, and left out")
        if seeds is not None:
            check_seeds(seeds)
        plan = plan_of_transfer(from_run, {**asked, "trust_remote_code": trust_remote_code}, held)
        within = None if plan.margin is None else margin_of(plan.margin)
        prepared = prepare(plan)
        if held is not None:
            check_beside(prepared, held)
        result = run_plan(console, prepared, voice)
        file = decide(console, prepared, result, seeds=seeds, margin=within, voice=voice)
        found = transfer_of(prepared, result, file, from_run, held)
        for line in found.sentences():
            say_on(console)(line)
        if json:
            write(found.model_dump(mode="json"))
