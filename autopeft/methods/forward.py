"""A model's forward, wrapped while adapters that need it are in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

__all__ = ["computing_as_held", "unwrap_forward", "wrap_forward"]


def wrap_forward(model: nn.Module, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put a function around a model's forward, made from the one there is; its signature stays."""
    original = model.forward
    object.__setattr__(model, "forward", functools.wraps(original)(make(original)))


def unwrap_forward(model: nn.Module) -> None:
    """Give a model its own forward back."""
    model.__dict__.pop("forward", None)


@contextmanager
def computing_as_held(model: nn.Module) -> Iterator[None]:
    """Let a model that holds some matrices in bf16 compute in it, as it does in training."""
    if not any(parameter.dtype == torch.bfloat16 for parameter in model.parameters()):
        yield
        return

    def cast(original: Callable[..., Any]) -> Callable[..., Any]:
        device = next(model.parameters()).device
        return torch.autocast(device.type, torch.bfloat16)(original)

    adapters_own = model.__dict__.get("forward")
    wrap_forward(model, cast)
    try:
        yield
    finally:
        unwrap_forward(model)
        if adapters_own is not None:
            object.__setattr__(model, "forward", adapters_own)
