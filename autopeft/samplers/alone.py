"""Compute without getting in the way of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["alone"]


@contextmanager
def alone(seed: int) -> Iterator[None]:
    """Compute on one thread, as workers train on the other cores, and leave torch's state as it was.

    Args:
        seed: Seeds torch's generator inside.
    """
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
