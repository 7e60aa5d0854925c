"""How much verbs say that take a while: --verbose and --quiet."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from autopeft.cli.header import say_on
from autopeft.cli.quiet import loud, quiet
from autopeft.errors import AutopeftError, Mishap

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Voice", "steps_on", "voice_of"]


class Voice(Enum):
    """How much is said."""

    QUIET = "warnings and the result"
    USUAL = "how it goes, too"
    VERBOSE = "what libraries and Ray say, too"


def voice_of(verbose: bool, silent: bool) -> Voice:
    """Return how much is said, by the two options, and let the libraries below say as much.

    Raises:
        AutopeftError: When both are given.
    """
    if verbose and silent:
        raise AutopeftError("--verbose says more and --quiet says less; leave one of them out")
    if verbose:
        loud()
        return Voice.VERBOSE
    quiet()
    return Voice.QUIET if silent else Voice.USUAL


def steps_on(console: Console, voice: Voice) -> Callable[[str], None]:
    """Return what prints how work goes; of that, the quiet voice says what went wrong."""
    say = say_on(console)

    def say_mishaps(line: str) -> None:
        if isinstance(line, Mishap):
            say(line)

    return say_mishaps if voice is Voice.QUIET else say
