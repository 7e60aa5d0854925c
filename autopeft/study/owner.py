"""Who runs a trial, and whether they still live."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["is_alive", "this_owner"]

#: What a process id means something in: one boot of one kernel, and there one namespace, that of a container say.
_BOOT, _NAMESPACE = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


def this_owner() -> dict[str, Any]:
    """Return this process as a trial records it: id and start time, where these hold, and the host for people."""
    pid = os.getpid()
    return {"host": socket.gethostname(), **_where(), "pid": pid, "started": _started(pid)}


def is_alive(owner: Mapping[str, Any]) -> bool | None:
    """Tell whether an owner is still at work; None where that cannot be seen from here.

    A process id that was given to another process since is not its owner's.
    """
    here, there = _where(), {name: owner.get(name) for name in ("boot", "namespace")}
    # Earlier versions wrote down the host alone.
    same = there == here if there["boot"] else owner.get("host") == socket.gethostname()
    return _started(int(owner["pid"])) == owner.get("started") if same else None


def _where() -> dict[str, str | None]:
    return {"boot": _boot(), "namespace": _namespace()}


@cache
def _boot() -> str | None:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return None


def _namespace() -> str | None:
    try:
        return os.readlink(_NAMESPACE)
    except OSError:
        return None


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
