"""What Ray's workers do beside trials, as tasks of the process that speaks to Ray."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ray

from autopeft.errors import AutopeftError, RunError
from autopeft.launch.ray_child import Asking
from autopeft.launch.ray_cluster import claim
from autopeft.launch.ray_process import WorkerDiedError
from autopeft.shut import shut

__all__ = ["fault_of", "in_worker"]


def in_worker(asking: Asking, call: Callable[[], Any], gpus: float) -> Any:
    """Do a call in a worker like those of trials, which ends with it, and return what it returned.

    Args:
        asking: Not needed here.
        call: What to do, picklable.
        gpus: GPUs of a worker.

    Raises:
        AutopeftError: What the call found that a user can mend.
        WorkerDiedError: When the worker died.
        RunError: When the call failed for another reason.
    """
    task = ray.remote(**claim(gpus), max_retries=0, max_calls=1)(_call)
    try:
        return ray.get(task.remote(call))
    except ray.exceptions.RayTaskError as error:
        raise fault_of(error) from error
    except ray.exceptions.RayError as error:
        raise WorkerDiedError(f"a worker died: {str(error).splitlines()[0]}") from error


def fault_of(error: ray.exceptions.RayTaskError) -> AutopeftError:
    """Return what a worker raised where a user can mend it, else a `RunError` that says it."""
    cause = error.cause
    return cause if isinstance(cause, AutopeftError) else RunError(f"a worker failed: {type(cause).__name__}: {cause}")


def _call(call: Callable[[], Any]) -> Any:
    # The machines of a cluster have umasks of their own.
    with shut():
        return call()
