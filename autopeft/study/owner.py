"""Who runs a trial, and whether they still live."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["is_alive", "this_owner"]


def this_owner() -> dict[str, Any]:
    """Return host, pid and start time of this process, as a trial records it."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}


def is_alive(owner: Mapping[str, Any]) -> bool:
    """Tell whether an owner may still be at work.

    A process on another host cannot be seen from here and counts as alive; a process id that was given to
    another process since does not.
    """
    if owner.get("host") != socket.gethostname():
        return True
    return _started(int(owner["pid"])) == owner.get("started")


@cache
def _boot_time() -> float | None:
    try:
        lines = Path("/proc/stat").read_text().splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith("btime")), None)


def _started(pid: int) -> float | None:
    """Seconds since the epoch (to a tick) at which a process began; None when there is none.

    Where there is no /proc, only the existence of the process is known: every live process has start 0.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        if _boot_time() is not None:
            return None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass
        return 0.0
    fields = stat.rsplit(")", 1)[1].split()
    if fields[0] == "Z":
        return None
    return float(_boot_time() or 0.0) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
