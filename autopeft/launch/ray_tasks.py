"""What Ray's workers do beside trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray

from autopeft.errors import AutopeftError, RunError
from autopeft.launch.places import Places
from autopeft.launch.ray_runtime import start_ray, stop_ray

__all__ = ["WorkerDiedError", "fault_of", "in_worker", "ray_up"]


class WorkerDiedError(RunError):
    """A worker ended before it could answer."""


@contextmanager
def ray_up(places: Places, address: str | None) -> Iterator[None]:
    """Keep Ray running, for all that is done within.

    Args:
        places: The workers.
        address: Address of a Ray cluster; None starts Ray on this machine.

    Raises:
        AutopeftError: When there is no Ray at the address, or none can be started.
    """
    started = start_ray(places.workers, places.gpus, address)
    try:
        yield
    finally:
        if started:
            stop_ray()


def in_worker(call: Callable[[], Any], places: Places, address: str | None) -> Any:
    """Do a call in a worker like those of trials, which ends with it, and return what it returned.

    Args:
        call: What to do, picklable.
        places: The workers.
        address: Address of a Ray cluster; None starts Ray on this machine.

    Raises:
        AutopeftError: What the call found that a user can mend.
        WorkerDiedError: When the worker died.
        RunError: When the call failed for another reason.
    """
    with ray_up(places, address):
        task = ray.remote(num_cpus=1, num_gpus=places.gpus, max_retries=0, max_calls=1)(_call)
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
    return call()
