"""Programs that try to get out, by system calls of their own: each ends well where its guard is missing."""

from __future__ import annotations

from dataclasses import dataclass

from autopeft.sandbox.calls import number_of
from autopeft.sandbox.limits import Limits

__all__ = ["Attack", "attacks"]

_RAW = """
import ctypes, os, signal, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def call(number, *arguments):
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    found = libc.syscall(ctypes.c_long(number), *wide)
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found
"""

_HERE = -100


@dataclass(frozen=True)
class Attack:
    """A program that tries to get out.

    Args:
        aim: What it tries, in words.
        program: Its text; it runs to its end where that succeeds.
        guard: Name of the guard that keeps it from that.
    """

    aim: str
    program: str
    guard: str


def attacks(limits: Limits) -> tuple[Attack, ...]:
    """Return attacks on all that is guarded.

    Args:
        limits: How much a program may take, which some of them go beyond.
    """
    named = ("openat", "write", "socket", "clone", "ptrace", "mmap")
    openat, write, socket, clone, ptrace, mmap = (number_of(name) for name in named)
    make = "os.O_WRONLY | os.O_CREAT | os.O_EXCL"
    return (
        _attack("read beyond its folder", f"call({openat}, {_HERE}, b'/', os.O_RDONLY | os.O_DIRECTORY)", "landlock"),
        _attack(
            "write beyond its folder",
            f"name = os.getcwd() + '-escaped'\ncall({openat}, {_HERE}, name.encode(), {make}, 0o600)\nos.unlink(name)",
            "landlock",
        ),
        _attack(
            "write to /proc",
            f"file = call({openat}, {_HERE}, b'/proc/self/comm', os.O_WRONLY)\ncall({write}, file, b'x', 1)",
            "landlock",
        ),
        _attack("hide what it holds open", "open('held', 'wb')\nos.unlink('held')", "landlock"),
        _attack("open a socket", f"call({socket}, 2, 1, 0)", "seccomp"),
        _attack(
            "start another process",
            f"child = call({clone}, int(signal.SIGCHLD), 0, 0, 0, 0)\nif not child:\n    os._exit(0)",
            "seccomp",
        ),
        _attack("use ptrace", f"call({ptrace}, 0, 0, 0, 0)", "seccomp"),
        _attack(
            f"compute for more than {limits.seconds} s",
            f"while time.process_time() < {limits.seconds + 0.5}:\n    pass",
            "time",
        ),
        _attack(
            f"take {limits.memory / 2**20:.0f} MiB more",
            f"call({mmap}, 0, {limits.memory}, 3, 0x22, -1, 0)",
            "memory",
        ),
        _attack(
            "write a larger file",
            f"with open('large', 'wb') as file:\n    file.truncate({limits.file_size + 1})",
            "files",
        ),
    )


def _attack(aim: str, body: str, guard: str) -> Attack:
    return Attack(aim, f"{_RAW}\n{body}\n", guard)
