"""Cross-entropy over a large vocabulary, in segments: logits are never there of all tokens at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

__all__ = ["segmented_cross_entropy", "segments"]

#: Logits that are there at a time.
_AT_ONCE = 2**23

#: Makes logits `[tokens, vocabulary]` of hidden states `[tokens, size]`.
Head = Callable[[Tensor], Tensor]


def segments(tokens: int, vocabulary: int) -> Iterator[slice]:
    """Yield so few of the tokens at a time that their logits take little memory; where there are none, those once."""
    rows = max(1, _AT_ONCE // vocabulary)
    return (slice(start, start + rows) for start in range(0, max(1, tokens), rows))


def segmented_cross_entropy(hidden: Tensor, targets: Tensor, head: Head, vocabulary: int, *, frozen: bool) -> Tensor:
    """Return the cross-entropy of each target, fp32 `[tokens]`.

    LeMo (Wang et al. 2025, section 4.3) computes each segment again for the backward pass. Under a frozen head the
    gradient of the hidden states, which is small, is computed at once instead, and nothing twice. The mean is over
    the targets then; LeMo's release divides by the length of the text.

    Args:
        hidden: What the head reads, `[tokens, size]`.
        targets: The right tokens, `[tokens]`.
        head: Makes logits.
        vocabulary: How many each token has.
        frozen: Whether nothing in the head trains.
    """
    if frozen:
        losses: Tensor = _UnderFrozenHead.apply(hidden, targets, head, vocabulary)
        return losses

    def of_each(some: Tensor, wanted: Tensor) -> Tensor:
        return cross_entropy(head(some).float(), wanted, reduction="none")

    parts = [
        checkpoint(of_each, hidden[each], targets[each], use_reentrant=False)
        for each in segments(len(targets), vocabulary)
    ]
    return torch.cat(parts)


def _segment(hidden: Tensor, targets: Tensor, head: Head, into: Tensor | None) -> Tensor:
    """Return the losses of some tokens; logits are gone with its return, before those of others are made.

    Args:
        hidden: What the head reads.
        targets: The right tokens.
        head: Makes logits.
        into: Where to write the gradients of what it reads, each of its token's loss; None where none are wanted.
    """
    with torch.set_grad_enabled(into is not None):
        hidden.requires_grad_(into is not None)
        logits = head(hidden)
    exact = logits.detach().float()
    losses = cross_entropy(exact, targets, reduction="none")
    if into is not None:
        shares = torch.softmax(exact, dim=1)
        shares[torch.arange(len(targets), device=targets.device), targets] -= 1
        (found,) = torch.autograd.grad(logits, hidden, shares.to(logits))
        into.copy_(found)
    return losses


class _UnderFrozenHead(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, targets: Tensor, head: Head, vocabulary: int) -> Tensor:
        losses = hidden.new_empty(len(targets), dtype=torch.float32)
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for each in segments(len(targets), vocabulary):
            into = None if gradient is None else gradient[each]
            losses[each] = _segment(hidden[each].detach(), targets[each], head, into)
        # Of a token's loss by its own hidden state, on which no other's depends.
        ctx.gradient = gradient
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None, None, None]:
        gradient, ctx.gradient = ctx.gradient, None
        return gradient.mul_(outer[:, None]), None, None, None
