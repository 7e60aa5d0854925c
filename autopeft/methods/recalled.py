"""The keys and values of a layer's own tokens, for queries that come after them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

__all__ = ["Recalled", "recalled_in"]

_CARRIED = "_autopeft_recalled"


class Recalled:
    """What an attention module was given keys, values and mask, for the next of its calls.

    Args:
        attention: The module. The tie is not a submodule: it points from within a layer to what is around it.
    """

    def __init__(self, attention: nn.Module) -> None:
        self._attention = attention
        self._keeping = self._reading = False
        self._kept: tuple[torch.Tensor, torch.Tensor, torch.Tensor | None] | None = None
        attention.__dict__[_CARRIED] = self

    def detach(self) -> None:
        """Untie it from the module."""
        self._attention.__dict__.pop(_CARRIED, None)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what the module attends over, within."""
        self._keeping = True
        try:
            yield
        finally:
            # Or it would outlive the step.
            self._keeping, self._kept = False, None

    @contextmanager
    def read(self) -> Iterator[None]:
        """Have the module attend over that, within."""
        self._reading = True
        try:
            yield
        finally:
            self._reading = False

    def over(
        self, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return the keys, values and mask to attend over, given those of the tokens that go through the layer.

        Args:
            key: `batch x kv_heads x keys x head_dim`.
            value: The same.
            mask: `batch or 1 x heads or 1 x tokens or 1 x keys`, in which tokens differ not; or None.
        """
        if self._reading:
            assert self._kept is not None, "the layer's own tokens go first"
            return self._kept
        if self._keeping:
            self._kept = key, value, None if mask is None else mask[..., :1, :]
        return key, value, mask


def recalled_in(attention: nn.Module) -> Recalled | None:
    """Return what is tied to an attention module, if anything is."""
    found: Recalled | None = attention.__dict__.get(_CARRIED)
    return found
