"""Keep the chatter of the libraries below out of our output, or let it in."""

from __future__ import annotations

import atexit
from contextlib import AbstractContextManager, ExitStack

__all__ = ["loud", "quiet"]


def quiet() -> None:
    """Turn off the progress bars and informational logs of the libraries below, to the end of the process."""
    from autopeft.launch.quiet import quiet as quietly

    _hold(quietly())


def loud() -> None:
    """Let through what the libraries below say, Ray and its workers too, to the end of the process."""
    from autopeft.launch.quiet import loud as loudly

    _hold(loudly())


def _hold(context: AbstractContextManager[None]) -> None:
    held = ExitStack()
    held.enter_context(context)
    # Ended in order, not by the interpreter when half of what it needs is gone.
    atexit.register(held.close)
