"""`autopeft watch`: the report of a run while it runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from autopeft.cli import options
from autopeft.cli.echo import echo

__all__ = ["watch"]


def watch(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    port: Annotated[int, typer.Option(help="Port on this machine \\[a free one].", min=0, max=65535)] = 0,
    trust_remote_code: options.TrustRemoteCode = False,
    plugin: options.Plugin = None,
) -> None:
    """Show the report of a run as a live page on this machine, until Ctrl-C; trials can be stopped from it.

    The search is not touched by it and need not be at work. The page is for whoever has its address, which has a token.
    """
    from autopeft.cli.quiet import quiet
    from autopeft.launch import stop_trial
    from autopeft.reporting.live import Live, LiveServer

    quiet()
    live = Live(run, trust_remote_code, plugin)
    stop = partial(stop_trial, run, trust_remote_code=trust_remote_code, plugin=plugin)
    with LiveServer(live, stop, port) as server:
        echo(f"{server.url}\nCtrl-C ends it; the search goes on")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
