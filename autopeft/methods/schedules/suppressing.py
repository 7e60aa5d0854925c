"""Adapters of some layers, suppressed for a while."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from autopeft.backbones import Anatomy

__all__ = ["suppressed"]


@contextmanager
def suppressed(model: nn.Module, anatomy: Anatomy, layers: Collection[int], factor: float) -> Iterator[None]:
    """Multiply what adapters of some layers add by a factor, whatever method they are of.

    Of LoRA that is the same as scaling it. No scale is touched, so none needs to be put back.

    Args:
        model: An adapted model.
        anatomy: The resolved anatomy of its backbone.
        layers: The layers.
        factor: What is left of what is added, from 0 to 1.
    """
    within = tuple(f"{anatomy.layer(layer)}." for layer in layers)
    hooks = [
        module.register_forward_hook(_Mixing(factor), with_kwargs=True)
        for name, module in model.named_modules()
        if isinstance(module, BaseTunerLayer) and f"{name}.".startswith(within)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _Mixing:
    """A hook that mixes what a module makes with what it makes without its adapter."""

    def __init__(self, factor: float) -> None:
        self._factor = factor

    def __call__(self, module: Any, args: Any, kwargs: Any, output: Any) -> Any:
        """Return the mixture."""
        before = module._disable_adapters
        module._disable_adapters = True
        try:
            plain = type(module).forward(module, *args, **kwargs)
        finally:
            module._disable_adapters = before
        return self._mixed(output, plain)

    def _mixed(self, whole: Any, plain: Any) -> Any:
        if isinstance(whole, torch.Tensor):
            return torch.lerp(plain.to(whole.dtype), whole, self._factor) if whole.is_floating_point() else whole
        if isinstance(whole, tuple):
            return tuple(self._mixed(*pair) for pair in zip(whole, plain, strict=True))
        return whole
