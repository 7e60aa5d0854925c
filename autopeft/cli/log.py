"""`autopeft log`: what happened in a run, and what is happening."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from autopeft.cli.echo import echo
from autopeft.log_lines import RUN_LOG, follow_log, in_words, read_log, time_of

__all__ = ["log"]

#: So long a process that has ended its search may take to begin the selection.
_BETWEEN_SECONDS = 15.0


def log(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until the run has ended or Ctrl-C.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say which lines are torn.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the lines as they are, one JSON object each.")] = False,
) -> None:
    """Show what happened in a run: trials that began and ended, and what was said."""
    last: Mapping[str, Any] = {}
    if follow and not (run / RUN_LOG).exists():
        echo(f"waiting for {run / RUN_LOG}", err=True)
    try:
        for line in follow_log(run, _over(run)) if follow else read_log(run):
            if line.entry is None:
                if verbose:
                    echo(f"line {line.number} is torn and left out: {line.text}", err=True)
                continue
            last = line.entry
            echo(line.text if json else in_words(line.entry))
    except KeyboardInterrupt:
        return
    if follow and last.get("event") != "ended":
        echo(f"process {last['process']['pid']} is gone without an end", err=True)


def _over(run: Path) -> Callable[[Mapping[str, Any] | None], bool]:
    """Return what tells, by the last line, whether a run has ended."""

    def over(last: Mapping[str, Any] | None) -> bool:
        if last is None:
            return False
        # This takes seconds, and what there is has been shown by now.
        from autopeft.study import in_use
        from autopeft.study.owner import is_alive

        if in_use(run):
            return False
        if is_alive(last["process"]) is False:
            return True
        return bool(last["event"] == "ended" and (datetime.now(UTC) - time_of(last)).total_seconds() > _BETWEEN_SECONDS)

    return over
