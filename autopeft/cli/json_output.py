"""Keep standard output for one JSON document."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any

__all__ = ["documents"]


@contextmanager
def documents(asked: bool) -> Iterator[Callable[[Any], None]]:
    """Yield what writes a document to standard output, and send whatever else is written there to standard error.

    Libraries write there too: by print, from C, or from processes that they start. In a process of its own it stays so
    to its end, for some of them have the last word.

    Args:
        asked: Whether the user asked for JSON; else nothing is changed.
    """
    out = sys.stdout
    if not asked:
        yield partial(_write, out)
        return
    if out is sys.__stdout__ and out is not None:
        out.flush()
        with os.fdopen(os.dup(1), "w", encoding="ascii") as kept:
            os.dup2(2, 1)
            sys.stdout = sys.stderr
            yield partial(_write, kept)
        return
    sys.stdout = sys.stderr
    try:
        yield partial(_write, out)
    finally:
        sys.stdout = out


def _write(out: IO[str], document: Any) -> None:
    from json import dumps

    # In ASCII, which every terminal has.
    print(dumps(document, indent=2), file=out, flush=True)
