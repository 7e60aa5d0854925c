"""Verbs and options complete by Tab in a real bash and a real zsh."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

#: How a shell starts without what the user has set up, and with completion as it wants it.
SHELLS = {
    "bash": (["bash", "--noprofile", "--norc", "-i"], ""),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D; "),
}

#: So long a completion may take: it starts a Python on a machine that does other things.
PATIENCE = 60.0

pytestmark = pytest.mark.slow


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, words: list[str], home: Path) -> None:
        self._ours, theirs = pty.openpty()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "HOME": str(home), "TERM": "dumb", "PS1": "> ", "COLUMNS": "200"}
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        self._process = subprocess.Popen(words, env=env, cwd=home, start_new_session=True, **streams)
        os.close(theirs)

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def until(self, pattern: str) -> str:
        """Read until a pattern is there."""
        seen, deadline = "", time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if select.select([self._ours], [], [], 1.0)[0]:
                seen += os.read(self._ours, 4096).decode(errors="replace")
            if re.search(pattern, seen):
                return seen
        raise AssertionError(f"no {pattern!r} within {PATIENCE:.0f} s in {seen!r}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path):
    words, begin = SHELLS[request.param]
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed: nothing is completed in it")
    script = subprocess.run(
        [Path(sys.executable).parent / "autopeft"],
        env={**os.environ, "_AUTOPEFT_COMPLETE": f"source_{request.param}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (tmp_path / "completion").write_text(script, encoding="utf8")
    opened = Shell(words, tmp_path)
    opened.type(f"{begin}source ./completion; echo rea''dy\n")
    opened.until("ready")
    yield opened
    opened.close()


def test_a_verb_completes(shell: Shell) -> None:
    shell.type("autopeft sea\t")
    shell.until("autopeft search")


def test_an_option_completes(shell: Shell) -> None:
    shell.type("autopeft search --obj\t")
    shell.until("--objectives")
