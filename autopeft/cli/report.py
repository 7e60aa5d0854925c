"""`autopeft report`: a page to show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autopeft.cli import options
from autopeft.cli.echo import echo

__all__ = ["report"]


def report(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    trust_remote_code: options.TrustRemoteCode = False,
    plugin: options.Plugin = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; default: RUN.")] = None,
) -> None:
    """Write report.html, one file that opens offline, and its figures as PNG and SVG."""
    from autopeft.api import report as write_report
    from autopeft.cli.quiet import quiet

    quiet()
    written = write_report(run, out=out, trust_remote_code=trust_remote_code, plugin=plugin)
    for title, reason in written.absent.items():
        echo(f"{title}: not shown, {reason}")
    echo(f"{written.page}, and each figure as PNG and SVG in {written.figures}")
