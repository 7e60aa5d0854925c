"""Ctrl-C, heeded where it loses nothing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["CtrlC", "ctrl_c"]


class CtrlC:
    """Ctrl-C, heeded at certain places.

    Raised anywhere, it may be lost in a library's callback, or break off a write to the study; so elsewhere it waits
    until the next such place. A second one is raised at once.
    """

    def __init__(self) -> None:
        self._noted = False
        self._heeding = False

    def note(self, *_: object) -> None:
        """Take a signal."""
        again, self._noted = self._noted, True
        if self._heeding or again:
            raise KeyboardInterrupt

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Raise it here at once, also one noted before or lost since.

        Raises:
            KeyboardInterrupt: When the user has asked for the end.
        """
        self._heeding = True
        try:
            if self._noted:
                raise KeyboardInterrupt
            yield
        finally:
            self._heeding = False


@contextmanager
def ctrl_c() -> Iterator[CtrlC]:
    """Have Ctrl-C wait for the places that heed it."""
    found = CtrlC()
    if threading.current_thread() is not threading.main_thread():
        yield found  # Signals reach the main thread only.
        return
    before = signal.signal(signal.SIGINT, found.note)
    try:
        yield found
    finally:
        signal.signal(signal.SIGINT, before)
