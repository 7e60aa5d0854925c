"""Whether this machine can hold a program at all."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace
from functools import cache

from autopeft.errors import AutopeftError
from autopeft.sandbox.attacks import attacks
from autopeft.sandbox.calls import MACHINES
from autopeft.sandbox.limits import Limits
from autopeft.sandbox.running import run

__all__ = ["check_sandbox"]

#: Enough to see that time is limited.
_BRIEF = replace(Limits(), seconds=1)


@cache
def check_sandbox() -> None:
    """Try every guard once, by programs that try to get out.

    Raises:
        AutopeftError: When one does not hold, or cannot be put on.
    """
    lacking = _lacking()
    if lacking:
        raise AutopeftError(
            f"code that models write cannot be run here: {lacking}; expected Linux 5.13 or newer on "
            f"{' or '.join(MACHINES)} with Landlock and seccomp, which a container may keep back. Run it elsewhere, or "
            "choose another metric"
        )


def _lacking() -> str | None:
    """Say what is missing; None where all guards hold."""
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        return f"found {platform.system()} on {platform.machine()}"
    harmless = run(["import hashlib, json, re; assert sum([1, 2]) == 3"], _BRIEF)
    if harmless.unguarded:
        return f"a guard cannot be put on ({harmless.unguarded})"
    if not harmless.passed:
        return f"a harmless program did not run to its end ({harmless.failed})"
    through = [attack.aim for attack in attacks(_BRIEF) if run([attack.program], _BRIEF).passed]
    return f"a program was able to {' and to '.join(through)}" if through else None
