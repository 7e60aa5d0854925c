"""What is printed as plain text: as it is, but for what commands a terminal; of errors no passwords either."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

import typer

from autopeft.errors import visible
from autopeft.passwords import without_passwords

__all__ = ["echo", "error_line", "hide_in_tracebacks"]


def echo(text: object = "", *, err: bool = False) -> None:
    """Print a text."""
    typer.echo(visible(str(text)), err=err)


def error_line(error: Exception) -> str:
    """Return what is printed of an error."""
    return visible(without_passwords(f"error: {error}"))


def hide_in_tracebacks() -> None:
    """Let what nobody foresaw, and Python prints with its traceback, show no passwords."""

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        print(without_passwords("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)

    sys.excepthook = show
