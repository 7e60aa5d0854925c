"""Keep the chatter of the libraries below out of our output."""

from __future__ import annotations

import atexit
from contextlib import ExitStack

__all__ = ["quiet"]


def quiet() -> None:
    """Turn off the progress bars and informational logs of the libraries below, to the end of the process."""
    from autopeft.launch.quiet import quiet as quietly

    held = ExitStack()
    held.enter_context(quietly())
    # Ended in order, not by the interpreter when half of what it needs is gone.
    atexit.register(held.close)
