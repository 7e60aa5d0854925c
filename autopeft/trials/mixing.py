"""Mixup: examples mixed with others of their batch, on what the head reads, and their losses likewise."""

from __future__ import annotations

from collections.abc import Callable

import torch

__all__ = ["mixed", "mixed_share"]


def mixed_share(alpha: float) -> float:
    """Draw how much of each example is its own, from Beta(alpha, alpha), by torch's global generator; 1 where it is 0.

    Source: Zhang et al. 2018, arXiv:1710.09412, section 2; one share for all of a batch.
    """
    return float(torch.distributions.Beta(alpha, alpha).sample()) if alpha > 0 else 1.0


def mixed(
    logits: torch.Tensor,
    labels: torch.Tensor,
    share: float,
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Return the mean loss of examples that are mixed with others, drawn by torch's global generator.

    Mixed are features before the last linear layer of the head (senMixup, Guo et al. 2019, arXiv:1905.08941, section
    3.2), which is the same as mixing the logits: that layer is affine, and the shares add up to 1. So it is the same
    for every method and every head. With a share of 1 the loss is that without mixing, to the bit.

    Args:
        logits: Of the examples as they are, `[n, ...]`.
        labels: What is to be told of each, `[n, ...]`.
        share: How much of each is its own, 0 to 1.
        loss_of: The mean loss of logits against labels.
    """
    others = torch.randperm(len(labels)).to(logits.device)
    both = share * logits + (1 - share) * logits[others]
    return share * loss_of(both, labels) + (1 - share) * loss_of(both, labels[others])
