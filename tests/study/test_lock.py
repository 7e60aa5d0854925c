"""One process at a time in a run folder; what a dead one held is free."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from autopeft.errors import StudyError
from autopeft.study import LOCK, locked

HOLD = """
import sys, time
from pathlib import Path
from autopeft.study import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Return a process that holds a folder until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_folder_in_use_is_refused_with_who_holds_it(tmp_path, holder):
    for _ in range(2):
        said = rf"is in use: process {holder.pid} on {socket.gethostname()} works in it; .*-o"
        with pytest.raises(StudyError, match=said), locked(tmp_path):
            pass
    holder.communicate()
    with locked(tmp_path):
        assert (tmp_path / LOCK).is_file()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_held_is_free(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with locked(tmp_path), pytest.raises(StudyError, match=f"process {os.getpid()} on"), locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_it_is_free_after_an_error(tmp_path):
    with pytest.raises(ValueError, match="mistake"), locked(tmp_path):
        raise ValueError("mistake")
    with locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_locked_is_said(tmp_path):
    (tmp_path / LOCK).mkdir()
    with pytest.raises(StudyError, match=r"cannot lock the run folder .*--out"), locked(tmp_path):
        pass
