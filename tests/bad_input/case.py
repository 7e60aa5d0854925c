"""A command that a user may type by mistake, and what has to come of it: one message, exit code 2, nothing written."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autopeft.log_lines import RUN_LOG
from tests.cli.in_process import Done, run_here

__all__ = ["Case", "check_refused", "contents", "given"]


@dataclass(frozen=True)
class Case:
    """A command that has to be refused.

    Args:
        name: What the user did.
        command: The words after `autopeft`; `{place}` is the folder of what all cases share.
        said: What the message has to hold: what was found, where, and how to mend it.
        files: What lies in the folder where the command runs, by path.
    """

    name: str
    command: str
    said: tuple[str, ...]
    files: Mapping[str, str | bytes] = field(default_factory=dict)


def given(case: Case, folder: Path, place: Path) -> list[str]:
    """Write the files of a case; return its words."""
    for name, content in case.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [word.replace("{place}", str(place)) for word in shlex.split(case.command)]


def check_refused(case: Case, folder: Path, place: Path, *, shell: bool = False) -> None:
    """Run the command of a case in an empty folder; it has to be refused, and to leave everything as it was."""
    words = given(case, folder, place)
    before = contents(folder)
    done = _run_apart(words, folder) if shell else run_here(*words, cwd=folder)
    assert done.returncode == 2, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    # Typer says itself what it does not understand.
    assert done.stderr.count("error: ") == 1 or "─ Error ─" in done.stderr, done.stderr
    plain = " ".join(done.stderr.replace("│", " ").split())
    for part in case.said:
        assert part in plain, f"{part!r} is not in: {plain}"
    assert contents(folder) == before


def contents(folder: Path) -> dict[str, str]:
    """Return a hash of each file of a folder but of logs, which hear of refusals too, and the folders in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
        if path.name != RUN_LOG
    }


def _run_apart(words: list[str], folder: Path) -> Done:
    command = [sys.executable, "-m", "autopeft.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
    return Done(done.returncode, done.stdout, done.stderr)
