"""`autopeft stop`: end a trial that is at work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autopeft.cli import options
from autopeft.cli.echo import echo

__all__ = ["stop"]


def stop(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    trial: Annotated[int, typer.Argument(help="Number of a trial at work, see `autopeft trials`.")],
    trust_remote_code: options.TrustRemoteCode = False,
    plugin: options.Plugin = None,
) -> None:
    """End a trial of a running search at its next rung; it counts as stopped, and the search goes on."""
    from autopeft.cli.quiet import quiet
    from autopeft.launch import stop_trial

    quiet()
    stop_trial(run, trial, trust_remote_code, plugin)
    echo(f"trial {trial} is stopped at its next rung")
