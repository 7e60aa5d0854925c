"""`autopeft trials`: every trial of a run, and why some failed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autopeft.cli import options
from autopeft.cli.echo import echo
from autopeft.errors import AutopeftError

if TYPE_CHECKING:
    from autopeft.study import TrialRow

__all__ = ["trials"]

#: Columns of the terminal that the table takes at most, and where there is no terminal.
_WIDTH = 160


def trials(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    failed: Annotated[bool, typer.Option("--failed", help="Show those alone that ended without a result.")] = False,
    traceback: Annotated[
        int | None, typer.Option(help="Show where in the code this trial failed.", metavar="TRIAL")
    ] = None,
    trust_remote_code: options.TrustRemoteCode = False,
    plugin: options.Plugin = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the trials of a run, finished or not, each with its state, and what failed with the reason.

    A trial is complete, stopped early, running, waiting, or failed: oom, nan (it diverged), timeout, killed (its worker
    was lost) or error. The document of --json has `metric`, what accuracy is, and `trials`, each with `trial`, `state`,
    `in_words`, `configuration`, `costs` by name, `accuracy`, `seconds`, `message`, `traceback`, `baseline`, `retry_of`,
    `derived_from`.
    """
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.cli.terminal import Terminal
    from autopeft.launch import open_run
    from autopeft.reporting import summed_up, trials_table
    from autopeft.study import trial_rows

    if json and traceback is not None:
        raise AutopeftError("--json has the traceback of each trial; leave --traceback out")
    quiet()
    with documents(json) as write:
        result = open_run(run, trust_remote_code, plugin=plugin)
        rows = trial_rows(result.study)
        chosen = [row for row in rows if row.failed or not failed]
        if json:
            write({"metric": result.metric, "trials": [row.to_dict() for row in chosen]})
            return
    if traceback is not None:
        echo(_where(rows, traceback, run))
        return
    console = Terminal()
    console.width = min(console.width, _WIDTH) if console.is_terminal else _WIDTH
    if chosen:
        console.print(trials_table(chosen, result.metric, result.kind))
    echo(summed_up(rows))


def _where(rows: list[TrialRow], number: int, run: Path) -> str:
    """Return the traceback of a trial, or that it has none."""
    row = next((row for row in rows if row.trial == number), None)
    if row is None:
        there = f"trials {rows[0].trial} to {rows[-1].trial}" if rows else "no trials"
        raise AutopeftError(f"no trial {number} in {run}, which has {there}; `autopeft trials {run}` lists them")
    if row.traceback:
        return row.traceback.rstrip()
    reason = f": {row.message}" if row.message else ""
    return f"trial {number} has no traceback, it is {row.state}{reason}"
