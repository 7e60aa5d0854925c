"""The process of a program: it puts on the guards, runs the program, and says how that ended.

It is started anew for each program, without site-packages, so that nothing but Python's own modules is imported here.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autopeft.sandbox.guards import GUARDS
from autopeft.sandbox.limits import Limits

__all__ = ["main"]

_SET_PARENT_DEATH_SIGNAL = 1


def main() -> None:
    """Run the program that standard input describes, and write how it ended to standard output."""
    asked = json.load(sys.stdin)
    # What ends the search ends this too.
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    answer = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    # Nothing of the project is there for the program.
    sys.path.remove(asked["root"])
    try:
        for name in asked["guards"]:
            GUARDS[name](Path(asked["folder"]), Limits(**asked["limits"]))
    except OSError as error:
        said: dict[str, Any] = {"unguarded": f"{name}: {error.strerror}"}
    else:
        said = {"failed": _failed(asked["parts"])}
    os.write(answer, json.dumps({"token": asked["token"], **said}).encode())
    # What the program left to be done at exit is not done.
    os._exit(0)


def _failed(parts: Sequence[str]) -> str | None:
    """Run the parts of a program one after the other; return what came up, None where all ran to their end."""
    names: dict[str, Any] = {"__name__": "answer"}
    try:
        for part in parts:
            exec(compile(part, "<answer>", "exec"), names)
    except BaseException as error:
        # To exit is not to pass.
        return type(error).__name__
    return None
