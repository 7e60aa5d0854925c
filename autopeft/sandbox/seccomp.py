"""Seccomp: of all system calls the kernel lets this process make those of a list.

Every other fails with EPERM: there are no further processes or threads, no sockets, no tracing, no signals to others,
no other program. A filter is a program in classic BPF over the number and the arguments of each call
(`Documentation/userspace-api/seccomp_filter.rst` of Linux).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator
from typing import NamedTuple

from autopeft.sandbox.calls import ALLOWED, MACHINES, never_more_rights, number_of

__all__ = ["refuse_calls"]

#: Instructions: load a word, take some of its bits, skip some instructions unless it equals, end.
_LOAD, _AND, _UNLESS, _END = 0x20, 0x54, 0x15, 0x06

_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000

#: Where a filter finds the number of a call, the machine it was made for, and the lower half of its arguments.
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16

_SET_SECCOMP, _FILTER = 22, 2


class _Rule(NamedTuple):
    """Values of an argument with which alone a call is allowed.

    Args:
        argument: Which argument, from 0.
        bits: The bits of it that are looked at.
        values: What they may be.
    """

    argument: int
    bits: int
    values: tuple[int, ...]


#: How a file is opened, and whether it is one without a name, which nobody sees.
_HOW = os.O_ACCMODE | os.O_TRUNC | os.O_TMPFILE & ~os.O_DIRECTORY

_RULES = {
    # Copies and flags of open files, but not who is sent signals of them.
    "fcntl": _Rule(1, 0xFFFFFFFF, (0, 1, 2, 3, 1030)),
    # To open for reading and to empty are the one right for the first versions of Landlock.
    "openat": _Rule(2, _HOW, (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_RDWR | os.O_TRUNC)),
    # How memory is used, but not that it is broken, which takes it from the machine for good (`man 2 madvise`, 100).
    "madvise": _Rule(2, 0xFFFFFFFF, (0, 1, 2, 3, 4, 8, 14, 15)),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse_calls() -> None:
    """Refuse this process all system calls but those of the list.

    Raises:
        OSError: The kernel has no such filters, or the machine is none that numbers are known of.
    """
    machine = platform.machine()
    if machine not in MACHINES:
        raise OSError(errno.ENOSYS, f"the numbers of system calls on {machine} are not known")
    written = b"".join(_instructions(machine))
    never_more_rights()
    program = _Program(len(written) // 8, written)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "seccomp")


def _instructions(machine: str) -> Iterator[bytes]:
    """Yield the filter, an instruction of eight bytes each."""
    yield _instruction(_LOAD, _MACHINE)
    yield _instruction(_UNLESS, MACHINES[machine], 1)
    yield _instruction(_END, _KILL)
    yield _instruction(_LOAD, _NUMBER)
    for name in ALLOWED:
        number = number_of(name)
        if number is None:
            continue
        allowing = [*_allowing(_RULES.get(name))]
        yield _instruction(_UNLESS, number, 0, len(allowing))
        yield from allowing
    yield _instruction(_END, _FAIL)


def _allowing(rule: _Rule | None) -> Iterator[bytes]:
    """Yield what decides on a call of the list."""
    if rule is not None:
        yield _instruction(_LOAD, _ARGUMENTS + 8 * rule.argument)
        yield _instruction(_AND, rule.bits)
        for value in rule.values:
            yield _instruction(_UNLESS, value, 0, 1)
            yield _instruction(_END, _ALLOW)
    yield _instruction(_END, _ALLOW if rule is None else _FAIL)


def _instruction(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """Return an instruction: what to do, with which number, how many to skip where it equals and where it does not."""
    return struct.pack("HBBI", code, then, otherwise, value)
