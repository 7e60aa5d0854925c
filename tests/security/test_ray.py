"""A Ray that is started here: on the loopback address, behind a token, its files for nobody else."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from autopeft.launch import ray_child
from autopeft.launch.ray_guard import guard_ray

#: What a process does that is let in.
ENTER = """
import ray
ray.init({address!r}, log_to_driver=False, logging_level=50)
print("IN", ray.get(ray.remote(lambda: 1).remote()))
"""

#: Starts Ray as a search does, and waits to be told to end.
START = """
import sys
{guard}
from autopeft.launch.ray_runtime import start_ray, stop_ray
folder = start_ray(1, 0, None)
import ray
ray.get(ray.remote(lambda: 1).remote())
print(ray._private.worker._global_node.gcs_address, folder, flush=True)
sys.stdin.read()
stop_ray()
"""
GUARD = "from autopeft.launch.ray_guard import guard_ray; guard_ray()"


def started(guard, **environment):
    """Start Ray in a process; return that, Ray's address and its folder."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    words = [sys.executable, "-c", START.format(guard=guard)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL, env=plain | environment, **pipes)
    address, folder = process.stdout.readline().split()
    return process, address, Path(folder)


def listening(process):
    """Return the addresses at which a process and those below it listen."""
    everyone = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    found = [each.net_connections("inet") for each in everyone if each.is_running()]
    return {one.laddr.ip.removeprefix("::ffff:") for each in found for one in each if one.status == "LISTEN"}


def enters(address, **environment):
    """Tell whether a process of another user's, say, is let in."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    words = [sys.executable, "-c", ENTER.format(address=address)]
    try:
        # Else it would look for the loopback address by another name of this machine, where nobody listens.
        here = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
        done = subprocess.run(words, capture_output=True, text=True, env=plain | here | environment, timeout=60)
    except subprocess.TimeoutExpired:
        return False
    return "IN 1" in done.stdout


@pytest.mark.slow
def test_nobody_else_is_let_in(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    process, address, folder = started(GUARD, HOME=str(home))
    try:
        assert listening(process) == {"127.0.0.1"}
        assert not enters(address, RAY_AUTH_MODE="disabled")
        assert not enters(address, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="a" * 64)
        everyone = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        token = next(each.environ()["RAY_AUTH_TOKEN"] for each in everyone[1:])
        assert not any(token in word for each in everyone for word in each.cmdline())
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert list(folder.glob("r/session_*"))
        assert list(home.rglob("*")) == []
        texts = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
        assert not any(token.encode() in text for text in texts)
        assert enters(address, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token)
    finally:
        process.communicate()
    assert not folder.exists()


@pytest.mark.slow
def test_without_the_guard_everybody_is():
    process, address, _ = started("", RAY_AUTH_MODE="disabled")
    try:
        assert listening(process) - {"127.0.0.1"}
        assert enters(address, RAY_AUTH_MODE="disabled", RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="1")
    finally:
        process.communicate()


def test_what_the_environment_says_stays():
    for told in ({"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_TOKEN": "t"}, {"RAY_AUTH_TOKEN_PATH": "/t"}):
        environment = dict(told)
        guard_ray(environment)
        assert environment | told == environment
        assert ("RAY_AUTH_TOKEN" in environment) == ("RAY_AUTH_TOKEN" in told)
    first, second = {}, {}
    guard_ray(first)
    guard_ray(second)
    assert len(first["RAY_AUTH_TOKEN"]) == 64
    assert first["RAY_AUTH_TOKEN"] != second["RAY_AUTH_TOKEN"]


def test_the_process_that_speaks_to_ray_guards_it_unless_it_joins_a_cluster(monkeypatch):
    guarded = []
    monkeypatch.setattr(ray_child, "guard_ray", lambda: guarded.append(True))
    monkeypatch.setattr(ray_child, "_end_with", lambda *words: None)
    monkeypatch.setattr(ray_child, "_serve", lambda *words: None)
    for address, expected in ((None, [True]), ("10.0.0.1:6379", [True])):
        message = ray_child.pickle.dumps((1, 0.0, address, False, "/nowhere"))
        monkeypatch.setattr(ray_child, "Connection", lambda number, sent=message: _Sent(sent))
        monkeypatch.setattr(sys, "argv", ["ray_child", "0"])
        ray_child.main()
        assert guarded == expected


class _Sent:
    def __init__(self, message):
        self._message = message

    def recv_bytes(self):
        return self._message
