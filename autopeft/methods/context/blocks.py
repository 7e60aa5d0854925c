"""Which blocks of tokens matter to an attention, and which tokens are kept for that."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["BLOCK", "Kept", "block_scores", "keep"]

#: Tokens of a block.
BLOCK = 64


class Kept(NamedTuple):
    """The tokens that are kept of each text of a batch.

    Args:
        places: Where they stand, rising, `[batch, most kept]`; of a text that keeps fewer the last is repeated.
        real: Which of these are no repetition, bool `[batch, most kept]`.
    """

    places: Tensor
    real: Tensor


@torch.no_grad()
def block_scores(query: Tensor, key: Tensor, valid: Tensor) -> Tensor:
    """Return how much is looked from or at each block of tokens, LeMo's score without its predictor.

    That of two tokens is the sum over heads of the positive products of query and key, before their rotation; that of
    two blocks the largest of its tokens, the later one looking; that of a block the sum over all. No factor as
    1 / sqrt(head size) changes an order. One block looks at a time, so that memory goes with the length of the text.

    Args:
        query: `[batch, heads, tokens, size]`.
        key: `[batch, heads of keys, tokens, size]`.
        valid: Which tokens are no padding, bool `[batch, tokens]`.

    Returns:
        fp32 `[batch, blocks]`; the last block may be shorter.
    """
    batch, _, tokens, _ = query.shape
    count = math.ceil(tokens / BLOCK)
    found = torch.zeros(batch, count, device=query.device)
    shared = query.unflatten(1, (key.shape[1], -1))
    for block in range(count):
        first, last = block * BLOCK, min(tokens, (block + 1) * BLOCK)
        products = shared[:, :, :, first:last] @ key[:, :, None, :last].transpose(-1, -2)
        between = products.relu_().sum((1, 2), dtype=torch.float32)
        # Within the block nothing looks ahead.
        between[:, :, first:].tril_()
        between = between * (valid[:, first:last, None] & valid[:, None, :last])
        pairs = pad(between, (0, (block + 1) * BLOCK - last)).unflatten(2, (-1, BLOCK)).amax((1, 3))
        found[:, : block + 1] += pairs
        found[:, block] += pairs[:, :block].sum(1)
    return found


@torch.no_grad()
def keep(scores: Tensor, valid: Tensor, share: float) -> Kept:
    """Keep the blocks of each text that matter most: a share of those it has, rounded down, but one at least.

    Args:
        scores: What `block_scores` returned.
        valid: Which tokens are no padding, bool `[batch, tokens]`.
        share: The share of the blocks.
    """
    tokens, blocks = valid.shape[1], scores.shape[1]
    there = pad(valid, (0, blocks * BLOCK - tokens)).unflatten(1, (blocks, BLOCK)).any(2)
    chosen = torch.zeros_like(there)
    for text, count in enumerate(there.sum(1).tolist()):
        # What 0.29 of 100 is in floating point is a little less than 29.
        most = max(1, math.floor(share * count + 1e-9))
        chosen[text, scores[text].masked_fill(~there[text], -1.0).topk(most).indices] = True
    kept = chosen.repeat_interleave(BLOCK, 1)[:, :tokens] & valid
    counts = kept.sum(1, keepdim=True)
    slots = torch.arange(int(counts.max()), device=kept.device).expand(len(kept), -1)
    order = (~kept).byte().argsort(dim=1, stable=True)
    return Kept(order.gather(1, slots.minimum(counts - 1).clamp(min=0)), slots < counts)
