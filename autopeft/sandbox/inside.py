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
from types import ModuleType

from autopeft.sandbox.guards import GUARDS
from autopeft.sandbox.limits import Limits

__all__ = ["FAILED", "PASSED", "main"]

#: What an answer says, behind its token: that all ran to its end, or what came up.
PASSED, FAILED = "passed", "failed: "

_SET_PARENT_DEATH_SIGNAL = 1


def main() -> None:
    """Run the program that standard input describes, and write how it ended to standard output.

    Which guard cannot be put on goes to standard error, which is closed to the program.
    """
    asked = json.load(sys.stdin)
    # What ends the search ends this too.
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != asked["parent"]:
        # It has ended already.
        os._exit(1)
    answer, lacking = os.dup(1), os.dup(2)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    # Nothing of the project is there for the program.
    sys.path.remove(asked["root"])
    try:
        for name in asked["guards"]:
            GUARDS[name](Path(asked["folder"]), Limits(**asked["limits"]))
    except OSError as error:
        os.write(lacking, f"{asked['token']}{name}: {error.strerror}".encode())
        os._exit(1)
    os.close(lacking)
    write, leave = os.write, os._exit
    write(answer, (asked["token"] + _ended(asked["parts"])).encode())
    # What the program left to be done at exit is not done.
    leave(0)


def _ended(parts: Sequence[str]) -> str:
    """Run the parts of a program one after the other, as those of one module; return how that ended."""
    module = ModuleType("answer")
    sys.modules[module.__name__] = module
    # As they are before the program can put others in their place.
    run, made, kind_of = exec, compile, type
    try:
        for part in parts:
            run(made(part, "<answer>", "exec", dont_inherit=True), module.__dict__)
    except BaseException as error:
        # To exit is not to pass.
        return f"{FAILED}{kind_of(error).__name__}"
    return PASSED
