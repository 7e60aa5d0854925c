"""`autopeft export`: hand a configuration of a front to the tools people train with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from autopeft.cli import options
from autopeft.cli.echo import echo

__all__ = ["export"]


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    pick: Annotated[
        str,
        typer.Option(help=f"{options.PICKS}."),
    ] = "best",
    to: Annotated[
        str,
        typer.Option(
            help="peft, autopeft, transformers, trl, axolotl, llamafactory, torchtune or sentence-transformers."
        ),
    ] = "peft",
    trust_remote_code: options.TrustRemoteCode = False,
    plugin: options.Plugin = None,
    allow_lossy: Annotated[
        bool, typer.Option("--allow-lossy", help="Leave out, and list, what a target cannot express but adapters can.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; default: RUN/export.")] = None,
) -> None:
    """Export a configuration of a front, checked by building a model of the files."""
    from autopeft.api import export as export_pick
    from autopeft.cli.quiet import quiet

    quiet()
    how = {"allow_lossy": allow_lossy, "trust_remote_code": trust_remote_code}
    done = export_pick(run, pick=pick, to=to, out=out, plugin=plugin, **how)
    echo(f"trial {done.trial}: {done.configuration}")
    for line in (*done.notes, *(f"left out: {each}" for each in done.left_out)):
        echo(line)
    echo(f"written to {done.folder}, explained in its README.md")
    if done.command:
        echo(f"to run it: cd {shlex.quote(str(done.folder))} && {done.command}")
