"""A model's forward, wrapped while adapters that need it are in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from torch import nn

__all__ = ["unwrap_forward", "wrap_forward"]


def wrap_forward(model: nn.Module, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put a function around a model's forward, made from the one there is; its signature stays."""
    original = model.forward
    object.__setattr__(model, "forward", functools.wraps(original)(make(original)))


def unwrap_forward(model: nn.Module) -> None:
    """Give a model its own forward back."""
    model.__dict__.pop("forward", None)
