"""The command line without the seconds that a process takes to start; what `main` itself does is tested in one."""

from __future__ import annotations

import os
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from autopeft.cli import app
from autopeft.cli.echo import error_line
from autopeft.errors import AutopeftError

__all__ = ["Done", "run_here"]


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def run_here(*words: object, cwd: str | os.PathLike[str] | Path) -> Done:
    """Run a command in a folder; an error of autopeft's is printed as `autopeft.cli.main` prints it."""
    with chdir(cwd):
        done = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(done.exception, AutopeftError):
        return Done(done.exception.exit_code, done.stdout, f"{done.stderr}{error_line(done.exception)}\n")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)
