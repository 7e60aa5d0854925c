"""The guards of a program, each of which keeps it from something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from autopeft.sandbox.landlock import confine
from autopeft.sandbox.limits import Limits, limit_files, limit_memory, limit_time
from autopeft.sandbox.seccomp import refuse_calls

__all__ = ["GUARDS"]

#: By name, in the order in which a process puts them on; the last leaves it no way to put on more.
GUARDS: Mapping[str, Callable[[Path, Limits], None]] = {
    "time": lambda folder, limits: limit_time(limits),
    "memory": lambda folder, limits: limit_memory(limits),
    "files": lambda folder, limits: limit_files(limits),
    "landlock": lambda folder, limits: confine(folder),
    "seccomp": lambda folder, limits: refuse_calls(),
}
