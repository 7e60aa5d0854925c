"""Cross-entropy over a large vocabulary, without copies of the logits in fp32."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import cross_entropy

__all__ = ["lean_cross_entropy"]

#: Numbers that are worked on in fp32 at a time.
_AT_ONCE = 2**23


def lean_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy, computed in fp32 some rows at a time.

    torch's keeps two copies of the logits in fp32 for the backward pass. Here the gradient is computed at once, and
    only it is kept, in the type of the logits.

    Args:
        logits: `[tokens, vocabulary]`.
        targets: The right tokens, `[tokens]`.
    """
    loss: torch.Tensor = _LeanCrossEntropy.apply(logits, targets)
    return loss


class _LeanCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        rows = max(1, _AT_ONCE // logits.shape[1])
        total = logits.new_zeros((), dtype=torch.float32)
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        for start in range(0, len(logits), rows):
            part, wanted = logits[start : start + rows].float(), targets[start : start + rows]
            total += cross_entropy(part, wanted, reduction="sum")
            if gradient is not None:
                shares = torch.softmax(part, dim=1)
                shares[torch.arange(len(wanted), device=wanted.device), wanted] -= 1
                gradient[start : start + rows] = shares.div_(len(logits))
        ctx.gradient = gradient
        return total / len(logits)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: torch.Tensor) -> tuple[torch.Tensor, None]:
        gradient, ctx.gradient = ctx.gradient, None
        return gradient.mul_(outer), None
