"""Start Ray on this machine, or join a cluster, and leave it again."""

from __future__ import annotations

import logging
import math
import os
import re
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

import ray

from autopeft.errors import AutopeftError
from autopeft.launch.quiet import heard
from autopeft.launch.sockets import OWN, folder_for_ray

__all__ = ["node_here", "ray_is_at_work", "ray_is_there", "start_ray", "stop_ray"]

#: So long an address is tried; Ray itself would try for minutes, and print what it finds.
_PATIENCE_SECONDS = 5.0

#: Of Ray's own processes those without which it hangs; and how often the head of a cluster is tried.
_NEEDED, _TRIES = {"raylet", "gcs_server"}, 3

#: The folder of the Ray that was started here; there is one in a process.
_folder: tempfile.TemporaryDirectory[str] | None = None


def start_ray(workers: int, gpus: float, address: str | None) -> str | None:
    """Start or join Ray, quietly unless it is to be heard; return the folder that was made for it, if any.

    Args:
        workers: Trials at once.
        gpus: GPUs of a worker.
        address: Address of a cluster, `auto` for the one that `RAY_ADDRESS` names or that runs here; None starts Ray
            on this machine, whatever the environment says.

    Raises:
        AutopeftError: When there is no Ray at the address, or none can be started.
    """
    # Neither result files nor usage reports: the study is the record, and nothing leaves this machine.
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    if not heard():
        # What goes wrong in a trial is told through its outcome.
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    if address is None:
        _start_here(workers, math.ceil(workers * gpus))
    else:
        _join(address)
    return None if _folder is None else _folder.name


def stop_ray() -> None:
    """Leave a cluster, or end the Ray that was started here with its folder."""
    global _folder
    ray.shutdown()
    if _folder is not None:
        _folder.cleanup()
        _folder = None


def node_here() -> str:
    """Return what Ray calls this machine."""
    return str(ray.get_runtime_context().get_node_id())


def ray_is_there() -> bool:
    """Tell whether what Ray needs of its processes is still at work, those here or the head of a cluster."""
    node = ray._private.worker._global_node
    if node is None:
        return True
    if node.all_processes:
        return not _NEEDED.intersection(kind for kind, _ in node.dead_processes())
    for _ in range(_TRIES):
        try:
            _check_answers(node.gcs_address)
            return True
        except OSError:
            time.sleep(1.0)
    return False


def ray_is_at_work() -> bool:
    """Tell whether none of Ray's own processes here is suspended."""
    node = ray._private.worker._global_node
    if node is None:
        return True
    needed = [process.pid for kind, process in node.live_processes() if kind in _NEEDED]
    return not any(_suspended(pid) for pid in needed)


def _suspended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
    except (OSError, IndexError):
        return False


def _start_here(workers: int, gpus: int) -> None:
    global _folder
    options: dict[str, Any] = {"num_cpus": workers, "num_gpus": gpus}
    options |= {"include_dashboard": False, "object_store_memory": 200 * 2**20}
    _folder = tempfile.TemporaryDirectory(prefix=OWN, dir=folder_for_ray(), ignore_cleanup_errors=True)
    # Ray lets everybody write into its folder: it is inside one that nobody else may enter.
    options["_temp_dir"] = os.path.join(_folder.name, "r")
    # Two of 200 local starts failed, for no reason found, and the next went well.
    for last in (False, True):
        try:
            # Not None, for which Ray heeds a `RAY_ADDRESS` left over in the environment.
            _init("local", options)
            return
        except Exception as error:  # Ray documents no kinds
            ray.shutdown()
            if last:
                stop_ray()
                raise AutopeftError(
                    f"Ray cannot be started on this machine for --workers {workers}: {_in_one_line(error)}; "
                    "--workers 0 runs trials without it"
                ) from error


def _join(address: str) -> None:
    try:
        # A cluster is asked once.
        _check_answers(os.environ.get("RAY_ADDRESS", address) if address == "auto" else address)
        _init(address, {})
    except Exception as error:  # Ray documents no kinds
        ray.shutdown()
        named = os.environ.get("RAY_ADDRESS") if address == "auto" else None
        at = f" (RAY_ADDRESS is {named})" if named else ""
        raise AutopeftError(
            f"no Ray cluster can be reached by --ray-address {address}{at}: {_in_one_line(error)}; "
            "expected HOST:PORT of its head, or leave --ray-address out to start Ray on this machine"
        ) from error


def _init(address: str, options: dict[str, Any]) -> None:
    level = logging.INFO if heard() else logging.ERROR
    ray.init(address=address, log_to_driver=heard(), logging_level=level, **options)


def _check_answers(address: str) -> None:
    """Try a connection to HOST:PORT; what has another form is for Ray to understand.

    Raises:
        OSError: When nothing answers.
    """
    place = re.fullmatch(r"(?:\w+://)?\[?(.+?)\]?:(\d+)", address)
    if place:
        socket.create_connection((place[1], int(place[2])), timeout=_PATIENCE_SECONDS).close()


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
