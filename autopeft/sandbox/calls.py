"""System calls by number, as the kernel knows them."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Mapping
from typing import Any

__all__ = ["ALLOWED", "MACHINES", "call", "never_more_rights", "number_of"]

#: The machines that numbers are known of, in the order in which they stand below: how audit calls each.
MACHINES: Mapping[str, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

Numbers = tuple[int | None, int | None]

#: What a Python program needs that reads its modules, computes, and writes files of its own. None of these reaches
#: another process, the network, or a file that the kernel does not let it open.
ALLOWED: Mapping[str, Numbers] = {
    # Open files.
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "lseek": (8, 62),
    "close": (3, 57),
    "close_range": (436, 436),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "pipe2": (293, 59),
    "fcntl": (72, 25),
    "fsync": (74, 82),
    "ftruncate": (77, 46),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    # Files by name.
    "openat": (257, 56),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "stat": (4, None),
    "lstat": (6, None),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getcwd": (79, 17),
    "getdents64": (217, 61),
    "umask": (95, 166),
    # Memory, locks and chance.
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "mprotect": (10, 226),
    "madvise": (28, 233),
    "brk": (12, 214),
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getrandom": (318, 278),
    # Signals to itself, and time.
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "setitimer": (38, 103),
    "getitimer": (36, 102),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "getrusage": (98, 165),
    "times": (100, 153),
    # Itself.
    "getpid": (39, 172),
    "getppid": (110, 173),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "exit": (60, 93),
    "exit_group": (231, 94),
}

#: What the guards and the attacks on them take beside.
_OTHERS: Mapping[str, Numbers] = {
    "clone": (56, 220),
    "ptrace": (101, 117),
    "socket": (41, 198),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}

_SET_NO_NEW_PRIVS = 38


def number_of(name: str) -> int | None:
    """Return the number of a system call on this machine; None where the machine has none or is not known."""
    machine = platform.machine()
    return {**ALLOWED, **_OTHERS}[name][[*MACHINES].index(machine)] if machine in MACHINES else None


def call(name: str, *arguments: Any) -> int:
    """Make a system call.

    Args:
        name: Its name.
        arguments: Numbers, texts in bytes, or what ctypes takes for pointers.

    Raises:
        OSError: The kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    wide = (ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    found = libc.syscall(ctypes.c_long(-1 if (number := number_of(name)) is None else number), *wide)
    return _checked(int(found), name)


def never_more_rights() -> None:
    """Give up for good to get rights by starting programs, which the kernel wants of who restricts itself.

    Raises:
        OSError: The kernel refuses.
    """
    _checked(ctypes.CDLL(None, use_errno=True).prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def _checked(found: int, name: str) -> int:
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
    return found
