"""What Ray says of its nodes, and what a trial takes of one."""

from __future__ import annotations

import time
from typing import Any

import ray

from autopeft.launch.cluster import SLOTS, Cluster, Node

__all__ = ["Room", "claim", "cluster"]

#: So long what was seen of the nodes holds.
_FRESH_SECONDS = 1.0

#: How Ray calls the kind of a node's GPUs.
_GPU_KIND = "accelerator_type:"


def cluster() -> Cluster:
    """Return the nodes that are alive."""
    return Cluster(tuple(_node(each["Resources"]) for each in ray.nodes() if each["Alive"]))


def _node(has: dict[str, float]) -> Node:
    kinds = [name.removeprefix(_GPU_KIND) for name in has if name.startswith(_GPU_KIND)]
    gpus = has.get("GPU", 0.0)
    return Node(has.get("CPU", 0.0), gpus, has.get(SLOTS), ", ".join(kinds) if gpus else "")


def claim(gpus: float) -> dict[str, Any]:
    """Return what a worker takes, as options of Ray's tasks and actors."""
    slots = {"resources": {SLOTS: 1}} if cluster().declared else {}
    return {"num_cpus": 1, "num_gpus": gpus, **slots}


class Room:
    """How many workers there may be at this moment, as nodes come and go.

    Args:
        workers: How many there shall be; None for as many as there is room for.
        gpus: GPUs of a worker.
    """

    def __init__(self, workers: int | None, gpus: float) -> None:
        self._workers, self._gpus = workers, gpus
        self._seen, self._until = 1, 0.0

    def __call__(self) -> int:
        """Return how many."""
        if self._workers is not None:
            return self._workers
        if time.monotonic() > self._until:
            self._seen = max(1, cluster().room(self._gpus))
            self._until = time.monotonic() + _FRESH_SECONDS
        return self._seen
