"""Run a program in a process of its own, from outside."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from autopeft.sandbox.guards import GUARDS
from autopeft.sandbox.inside import FAILED, PASSED
from autopeft.sandbox.limits import Limits

__all__ = ["Ended", "run"]

#: Folder from which the process imports its first modules.
_ROOT = str(Path(__file__).resolve().parents[2])

_START = "import sys; sys.path.append({root!r}); from autopeft.sandbox.inside import main; main()"

#: Seconds between looks at a process, and bytes that an empty file counts.
_LOOK, _BLOCK = 0.02, 4096

#: An answer is shorter.
_MOST = 4096


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Args:
        failed: Why it did not run to its end: the name of an exception, or what ended the process; None where it did.
        unguarded: Which guard could not be put on, and why, so that it did not run at all.
    """

    failed: str | None = None
    unguarded: str | None = None

    @property
    def passed(self) -> bool:
        """Whether all of it ran to its end."""
        return self.failed is None and self.unguarded is None


def run(parts: Sequence[str], limits: Limits | None = None, guards: Collection[str] | None = None) -> Ended:
    """Run a program under guards; what it prints is lost, and what it writes too.

    Args:
        parts: Python, run one after the other with the same names.
        limits: How much it may take.
        guards: Names of the guards, all of `GUARDS` when left out.

    Raises:
        OSError: When no process can be started.
    """
    limits = limits or Limits()
    folder = Path(tempfile.mkdtemp(prefix="autopeft-"))
    asked = {
        "parts": list(parts),
        "limits": asdict(limits),
        "guards": [name for name in GUARDS if guards is None or name in guards],
        "folder": str(folder),
        "root": _ROOT,
        "token": secrets.token_hex(),
        "parent": os.getpid(),
    }
    try:
        return _ended(asked, folder, limits)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ended(asked: dict[str, Any], folder: Path, limits: Limits) -> Ended:
    # An answer in a file is as short as files may be, whatever a program writes there.
    with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as lacking:
        question.write(json.dumps(asked).encode())
        question.seek(0)
        process = subprocess.Popen(
            # No site-packages, nothing of the user's; the same order of sets each time, so that figures repeat.
            [sys.executable, "-S", "-s", "-P", "-B", "-X", "utf8", "-c", _START.format(root=_ROOT)],
            stdin=question,
            stdout=answer,
            stderr=lacking,
            cwd=folder,
            env={"PYTHONHASHSEED": "0"},
            start_new_session=True,
        )
        try:
            stopped = _watch(process, folder, limits)
        finally:
            process.kill()
            process.wait()
        said, unguarded = (_told(file, asked["token"]) for file in (answer, lacking))
    if unguarded:
        return Ended(unguarded=unguarded)
    if stopped:
        return Ended(failed=stopped)
    if said == PASSED:
        return Ended()
    # A program that ends its own process says nothing.
    ended = f"ended with {process.returncode}"
    return Ended(failed=said.removeprefix(FAILED) if said.startswith(FAILED) else ended)


def _told(file: IO[bytes], token: str) -> str:
    """Return what a process has written behind its token; nothing where that is something else."""
    file.seek(0)
    said = file.read(_MOST).decode(errors="replace")
    return said.removeprefix(token) if said.startswith(token) else ""


def _watch(process: subprocess.Popen[bytes], folder: Path, limits: Limits) -> str | None:
    """Wait for a process to end; return why it was not waited for longer, None where it ended."""
    until = time.monotonic() + limits.patience
    while time.monotonic() < until:
        try:
            process.wait(_LOOK)
        except subprocess.TimeoutExpired:
            if _held(folder) > limits.folder:
                return "too much written"
        else:
            return None
    return "too long"


def _held(folder: Path) -> int:
    """Return how many bytes the files of a folder take."""
    total = 0
    for path in folder.iterdir():
        try:
            total += max(path.lstat().st_size, _BLOCK)
        except FileNotFoundError:
            continue
    return total
