"""How much of the loss hangs on an update of a matrix, read off in the backward pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["Watch", "observed"]

#: Takes the importance of an update, a scalar on the device.
Watch = Callable[[Tensor], None]


def observed(added: Tensor, x: Tensor, down: Tensor, up: Tensor, scaling: float, watch: Watch) -> Tensor:
    """Return what an update adds to a layer's outputs, as it is; its importance is told in the backward pass.

    The importance of an update D is the sum over its elements of |D * dL/dD|, divided by the root of their number. The
    gradient is the product of the outputs' gradient and the inputs, which are both at hand while the layer's backward
    pass lasts: it and D are made there, and let go of when their product is summed. That takes as long as the gradient
    of the frozen matrix would, in the steps in which somebody watches; between the passes nothing more is kept.

    Args:
        added: What the update adds, `[..., outputs]`.
        x: Inputs `[..., inputs]`.
        down: The update's first factor `[rank, inputs]`.
        up: The second `[outputs, rank]`.
        scaling: What their product is multiplied by.
        watch: Takes the importance.
    """
    found: Tensor = _Observed.apply(added, x, down, up, scaling, watch)
    return found


class _Observed(torch.autograd.Function):
    """The identity, whose backward pass looks at the gradient."""

    @staticmethod
    def forward(ctx: Any, added: Tensor, x: Tensor, down: Tensor, up: Tensor, scaling: float, watch: Watch) -> Tensor:
        ctx.save_for_backward(x, down, up)
        ctx.scaling, ctx.watch = scaling, watch
        return added.view_as(added)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, down, up = ctx.saved_tensors
        (gradient,) = gradients
        outputs, inputs = gradient.reshape(-1, gradient.shape[-1]), x.reshape(-1, x.shape[-1])
        dense = (outputs.T @ inputs.to(outputs.dtype)).float()
        dense *= up.float() @ down.float()
        ctx.watch(dense.abs_().sum() * (ctx.scaling / math.sqrt(dense.numel())))
        return gradient, None, None, None, None, None
