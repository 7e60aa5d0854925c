"""Where trials run: how many at once, and how many of them share a GPU."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import torch

from autopeft.launch.plan import SearchPlan

__all__ = ["Places", "places_of"]


@dataclass(frozen=True)
class Places:
    """The workers of a search on one machine, or on a cluster.

    Args:
        workers: Trials at once.
        devices: GPUs of the machine, or of all machines; 0 when trials run on cores.
        grows: Whether there are as many workers as a cluster has room for, which may change.
    """

    workers: int
    devices: int
    grows: bool = False

    @property
    def sharing(self) -> int:
        """Workers that share the memory of one device, or of the machine."""
        return math.ceil(self.workers / self.devices) if self.devices else self.workers

    @property
    def gpus(self) -> float:
        """GPUs of a worker: a whole part of one, or workers would be left without a place."""
        return 1 / self.sharing if self.devices else 0.0

    def memory(self) -> int:
        """Return the bytes of the device with the most memory free, or of the whole machine."""
        if self.devices:
            return max(torch.cuda.mem_get_info(index)[0] for index in range(self.devices))
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def places_of(plan: SearchPlan) -> Places:
    """Return where a plan's trials run: one worker per GPU or core unless told; 0 workers is this process."""
    devices = torch.cuda.device_count()
    workers = (devices or len(_cores())) if plan.workers is None else max(1, plan.workers)
    return Places(workers, devices)


def _cores() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))
