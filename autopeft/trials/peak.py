"""How much memory training takes at its peak."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from autopeft.methods.offload import is_offloaded

__all__ = ["watch_peak"]


@contextmanager
def watch_peak(model: nn.Module) -> Iterator[Callable[[], int]]:
    """Watch the memory of training; yields what returns the peak so far, in bytes, the model's weights included.

    On a GPU it is what torch's allocator handed out. On a CPU, whose allocator keeps no account, it is the bytes of
    all tensors that were alive together, those that wait on disk aside; what an operation uses inside itself is not
    seen there.

    Args:
        model: The model that trains, on its device.
    """
    device = next(model.parameters()).device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        yield lambda: torch.cuda.max_memory_allocated(device)
        return
    resident = {each.untyped_storage().data_ptr(): each.untyped_storage() for each in _tensors(model)}
    start = sum(storage.nbytes() for storage in resident.values())
    with _LiveTensors(frozenset(resident)) as live:
        yield lambda: start + live.peak


def _tensors(model: nn.Module) -> Iterator[torch.Tensor]:
    """Yield the tensors of a model that are in memory."""
    yield from (each for each in (*model.parameters(), *model.buffers()) if not is_offloaded(each))


class _LiveTensors(TorchDispatchMode):
    """Counts the bytes of the tensors that operations inside it make, as long as these live."""

    def __init__(self, known: frozenset[int]) -> None:
        super().__init__()
        self.peak = 0
        self._now = 0
        self._known = known
        self._seen: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for each in tree_leaves(found):
            if isinstance(each, torch.Tensor) and each.layout == torch.strided:
                self._count(each.untyped_storage())
        return found

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage in self._seen or storage.data_ptr() in self._known:
            return
        self._seen.add(storage)
        size = storage.nbytes()
        self._now += size
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._release, size)

    def _release(self, size: int) -> None:
        self._now -= size
