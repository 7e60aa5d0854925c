"""How much a program may take of the machine."""

from __future__ import annotations

import resource
from dataclasses import dataclass

__all__ = ["Limits", "limit_files", "limit_memory", "limit_time"]


@dataclass(frozen=True)
class Limits:
    """How much a program may take; of processes and threads it has one, see `autopeft.sandbox.seccomp`.

    Args:
        seconds: Of processor time.
        memory: Bytes of address space, Python's own among them.
        file_size: Bytes of each file that it writes.
        open_files: Files that are open at a time.
        folder: Bytes of all files in its folder, a block for each at least.
    """

    seconds: int = 10
    memory: int = 512 * 2**20
    file_size: int = 4 * 2**20
    open_files: int = 32
    folder: int = 32 * 2**20

    @property
    def patience(self) -> float:
        """Seconds by the clock after which it is ended: a busy machine gives it less than a core."""
        return 2.0 * self.seconds + 5.0


def limit_time(limits: Limits) -> None:
    """Let the kernel end this process after so much processor time."""
    _limit(resource.RLIMIT_CPU, limits.seconds)


def limit_memory(limits: Limits) -> None:
    """Let the kernel refuse this process more memory."""
    _limit(resource.RLIMIT_AS, limits.memory)


def limit_files(limits: Limits) -> None:
    """Let the kernel refuse this process larger files, or more of them at a time, and write none when it crashes."""
    _limit(resource.RLIMIT_FSIZE, limits.file_size)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    # At 0 the kernel would still hand its memory to a program that collects crashes (`man 5 core`).
    _limit(resource.RLIMIT_CORE, 1)


def _limit(of: int, most: int) -> None:
    """Set a limit for good; what is stricter already stays."""
    hard = resource.getrlimit(of)[1]
    value = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(of, (value, value))
