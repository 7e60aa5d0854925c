"""Landlock: the kernel lets this process open files of its folder, read Python's own, and nothing else.

`Documentation/userspace-api/landlock.rst` of Linux, which has it since 5.13. What it does not look at (modes, owners,
times of files; signals) is among the system calls that `autopeft.sandbox.seccomp` refuses.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from autopeft.sandbox.calls import call, never_more_rights

__all__ = ["confine"]

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_MAKE_REG, _TRUNCATE = 1 << 8, 1 << 14

#: So many rights each version of Landlock knows, and all that are not granted are refused; later versions add none
#: to files.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}

_GET_VERSION = 1
_PATH_BENEATH = 1

_READ = _READ_FILE | _READ_DIR
#: Nothing is removed, or it would take room on the disk unseen for as long as the program holds it.
_OWN = _READ | _WRITE_FILE | _MAKE_REG | _TRUNCATE


def confine(folder: Path) -> None:
    """Confine this process.

    Args:
        folder: Where it may write: files, but no folders, and remove nothing.

    Raises:
        OSError: The kernel has no Landlock, or does not let this process use it.
    """
    version = call("landlock_create_ruleset", None, 0, _GET_VERSION)
    known = (1 << _RIGHTS[min(version, max(_RIGHTS))]) - 1
    handled = struct.pack("Q", known)
    ruleset = call("landlock_create_ruleset", ctypes.c_char_p(handled), len(handled), 0)
    for path, rights in _granted(folder):
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", rights & known, opened)
        call("landlock_add_rule", ruleset, _PATH_BENEATH, ctypes.c_char_p(rule), 0)
        os.close(opened)
    never_more_rights()
    call("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def _granted(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield what may be opened, and for what."""
    yield folder, _OWN
    yield Path("/dev/null"), _READ_FILE | _WRITE_FILE
    for device in ("/dev/urandom", "/etc/ld.so.cache"):
        if Path(device).exists():
            yield Path(device), _READ_FILE
    libraries = (Path(sys.base_prefix, "lib"), *map(Path, ("/lib", "/lib64", "/usr/lib", "/usr/lib64")))
    for place in {*libraries, Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("platstdlib"))}:
        if place.is_dir():
            yield place, _READ
