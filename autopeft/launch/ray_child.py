"""The process that speaks to Ray: does tasks for the one that has started it, and ends with that or with Ray.

python -m autopeft.launch.ray_child DESCRIPTOR
"""

from __future__ import annotations

import importlib
import os
import pickle
import shutil
import sys
import threading
import time
from contextlib import nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from autopeft.errors import AutopeftError, RunError
from autopeft.launch.quiet import loud
from autopeft.launch.ray_guard import guard_ray
from autopeft.launch.ray_process import ALIVE
from autopeft.shut import shut

__all__ = ["Asking"]

#: How often it looks whether Ray and the other process are there.
_LOOK_SECONDS = 1.0

#: Ray's own patience, by which it notices that processes are gone.
_PATIENCE = {
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "10",
}


class Asking:
    """Asks the other process.

    Args:
        connection: To it.
        scratch: A folder that goes with this process.
        home: The node of this machine, where Ray may have others; None where it has been started here.

    Attributes:
        kept: What tasks leave for those after them.
    """

    def __init__(self, connection: Connection, scratch: str, home: str | None) -> None:
        self._connection = connection
        self.scratch = scratch
        self.home = home
        self.kept: dict[str, Any] = {}

    def ask(self, name: str, *args: Any) -> Any:
        """Ask for what a method of the service returns, or for an attribute.

        Raises:
            AutopeftError: What the method raises.
        """
        self._connection.send_bytes(pickle.dumps(("ask", (name, args))))
        well, answer = pickle.loads(self._connection.recv_bytes())
        if not well:
            raise answer
        return answer


def main() -> None:
    """Start Ray, and do tasks until there are no more."""
    connection = Connection(int(sys.argv[1]))
    folders: list[str] = []
    _end_with(os.getppid(), folders)
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    workers, gpus, address, heard, scratch = pickle.loads(connection.recv_bytes())
    folders.append(scratch)
    if address is None:
        guard_ray()
    with shut(), loud() if heard else nullcontext():
        _serve(connection, workers, gpus, address, folders)


def _serve(connection: Connection, workers: int, gpus: float, address: str | None, folders: list[str]) -> None:
    from autopeft.launch.ray_cluster import cluster
    from autopeft.launch.ray_home import open_home
    from autopeft.launch.ray_runtime import node_here, start_ray, stop_ray

    try:
        folder = start_ray(workers, gpus, address)
    except AutopeftError as error:
        _send(connection, "failed", error)
        return
    [scratch] = folders
    folders += [folder] if folder else []
    _end_with_ray(Path(scratch) / ALIVE)
    home, actor = (None, None) if address is None else (node_here(), open_home())
    _send(connection, "ready", (folder, None if home is None else cluster()))
    asking = Asking(connection, scratch, home)
    try:
        while True:
            message = connection.recv_bytes()
            try:
                task, settings = pickle.loads(message)
                module, _, function = task.partition(":")
                found = getattr(importlib.import_module(module), function)(asking, **settings)
            except AutopeftError as error:
                _send(connection, "failed", error)
            except Exception as error:
                _send(connection, "failed", RunError(f"{type(error).__name__}: {error}"))
            else:
                _send(connection, "done", found)
    except (EOFError, OSError):
        pass
    del actor
    stop_ray()


def _send(connection: Connection, kind: str, body: Any) -> None:
    try:
        message = pickle.dumps((kind, body))
    except Exception:
        message = pickle.dumps(("failed", RunError(str(body))))
    connection.send_bytes(message)


def _end_with(parent: int, folders: list[str]) -> None:
    """End, and Ray with it, as soon as the process that has started this one is gone.

    Args:
        parent: That process.
        folders: What it would have removed; may grow until then.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _end_with_ray(alive: Path) -> None:
    """End as soon as Ray's own processes are gone; Ray itself would hang, or wait for minutes.

    Args:
        alive: A file that is touched as long as they are at work, and this process is.
    """
    from autopeft.launch.ray_runtime import ray_is_at_work, ray_is_there

    def watch() -> None:
        while ray_is_there():
            if ray_is_at_work():
                alive.touch()
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
