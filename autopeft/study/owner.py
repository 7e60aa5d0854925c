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

#: By how many seconds a clock may have been set.
_SET = 5.0


def this_owner() -> dict[str, Any]:
    """Return this process as a trial records it: id and start, where these mean something, and the host for people."""
    pid = os.getpid()
    return {"host": socket.gethostname(), **_where(), "pid": pid, "started": _started(pid)}


def is_alive(owner: Mapping[str, Any]) -> bool | None:
    """Tell whether an owner is still at work; None where that cannot be seen from here.

    A process id that was given to another process since is not its owner's.
    """
    here, there = _where(), {name: owner.get(name) for name in ("boot", "namespace")}
    pid = int(owner["pid"])
    try:
        if there["boot"]:
            return _started(pid) == owner.get("started") if there == here else None
        if owner.get("host") != socket.gethostname():
            return None
        # Earlier versions wrote down the host alone, and the start by a clock that may have been set since.
        started = _started(pid)
        return started is not None and abs(started + (_boot_time() or 0.0) - float(owner["started"] or 0.0)) < _SET
    except PermissionError:
        return None


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


def _boot_time() -> float | None:
    try:
        lines = Path("/proc/stat").read_text().splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith("btime")), None)


def _started(pid: int) -> float | None:
    """Seconds from the boot (to a tick) to the start of a process, which no clock changes; None when there is none.

    Where there is no /proc, only the existence of the process is known: every live process has start 0.

    Raises:
        PermissionError: When there is such a process, and more cannot be seen of it.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass
        if _boot_time() is not None:
            raise PermissionError(f"process {pid} cannot be seen") from None
        return 0.0
    fields = stat.rsplit(")", 1)[1].split()
    if fields[0] == "Z":
        return None
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")
