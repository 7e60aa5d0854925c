"""A Ray cluster of separate raylets on this machine; some see nothing of some folders, as if on another machine."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

__all__ = ["PATIENCE_SECONDS", "Nodes", "needs_namespaces"]

_RAY = str(Path(sys.executable).with_name("ray"))

#: So long a node may take to start, and whatever else is waited for, on a busy machine.
PATIENCE_SECONDS = 900.0


def _apart() -> list[str] | None:
    """Return what runs a command in a mount namespace of its own, in which it may mount; None where nothing does."""
    for words in (["unshare", "-m"], ["unshare", "-rm"]):
        words += ["--propagation", "private"]
        mount = [*words, "mount", "-t", "tmpfs", "none", "/tmp"]
        if shutil.which("unshare") and subprocess.run(mount, capture_output=True).returncode == 0:
            return words
    return None


_APART = _apart()

needs_namespaces = pytest.mark.skipif(
    _APART is None,
    reason="no mount namespaces here: that takes Linux, unshare, and root or namespaces of users",
)


class Nodes:
    """The nodes, to be used as a context: they end with it.

    Args:
        hidden: The folder that nodes on "another machine" see empty, and of that size.
    """

    def __init__(self, hidden: Path) -> None:
        self._hidden = hidden
        # Sockets have short names.
        self._folder = Path(tempfile.mkdtemp(prefix="apn-", dir="/tmp"))
        self._raylets: list[subprocess.Popen[bytes]] = []
        #: That of all processes that enter the cluster.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "OMP_NUM_THREADS": "1",
        }
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *error: object) -> None:
        for number in range(len(self._raylets)):
            self.kill(number)
        subprocess.run(["rm", "-rf", str(self._folder)], check=True)

    def add(self, cpus: int, *, gpus: int = 0, resources: str = "{}", apart: bool = True) -> int:
        """Start a node, whose processes have its folder in `NODE`; return its number.

        Args:
            cpus: Its cores.
            gpus: Its GPUs, which Ray believes in.
            resources: What it declares beside.
            apart: Whether the hidden folder is empty there.
        """
        number = len(self._raylets)
        own = self.folder(number)
        own.mkdir()
        port = self.address.partition(":")[2]
        place = ["--address", self.address] if number else ["--head", "--port", port, "--include-dashboard", "false"]
        words = [_RAY, "start", *place, "--node-ip-address", "127.0.0.1", "--temp-dir", str(own / "ray"), "--block"]
        words += ["--num-cpus", str(cpus), "--num-gpus", str(gpus), "--object-store-memory", str(100 * 2**20)]
        words += ["--resources", resources, "--disable-usage-stats"]
        if apart:
            hide = f"mount -t tmpfs -o size=1m none {shlex.quote(str(self._hidden))}"
            assert _APART is not None
            words = [*_APART, "sh", "-c", f"{hide} && exec {shlex.join(words)}"]
        with (own / "said").open("wb") as said:
            raylet = subprocess.Popen(
                words,
                cwd=own,
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**self.environment, "AUTOPEFT_CACHE": str(self.cache(number)), "NODE": str(own)},
            )
        self._raylets.append(raylet)
        until = time.monotonic() + PATIENCE_SECONDS
        while b"Ray runtime started" not in (own / "said").read_bytes():
            assert raylet.poll() is None, (own / "said").read_text()
            assert time.monotonic() < until, (own / "said").read_text()
            time.sleep(0.2)
        return number

    def folder(self, number: int) -> Path:
        """Return the folder of a node, which all of them see."""
        return self._folder / str(number)

    def cache(self, number: int) -> Path:
        """Return the cache folder of a node."""
        return self.folder(number) / "cache"

    def kill(self, number: int) -> None:
        """End a node and all its processes at once, as a machine that loses its power."""
        raylet = self._raylets[number]
        try:
            everyone = psutil.Process(raylet.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            everyone = []
        for each in [*everyone, raylet]:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        raylet.wait()
