"""Attention with trainable keys and values in front, registered with transformers' attention interface.

Queries that read a layer go through it too, over the keys and values of the layer's own tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn.functional import pad, softmax
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask

from autopeft.methods.recalled import recalled_in

__all__ = ["PREFIX_ATTENTION", "attention_with_prefixes", "carry", "prefixed_attention"]

#: The names under which transformers finds this attention: fused, and written out where the model's own is.
PREFIX_ATTENTION = "autopeft_prefix"
_PLAIN = "autopeft_prefix_eager"
_CARRIED = "_autopeft_prefix"


class Prefix(Protocol):
    """What stands in front of the keys and values of an attention module."""

    def keys_and_values(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Return trainable keys and values, `1 or batch x kv_heads x length x head_dim` each; None without any."""


def carry(attention: nn.Module, prefix: Prefix | None) -> None:
    """Tie a prefix to the attention module that uses it, or untie it.

    The tie is not a submodule: it points from the wrapped module back to its wrapper.
    """
    attention.__dict__.pop(_CARRIED, None)
    if prefix is not None:
        attention.__dict__[_CARRIED] = prefix


def attention_with_prefixes(before: str) -> str:
    """Return the name of the attention with prefixes that stands in for a model's own."""
    return _PLAIN if before in ("eager", _PLAIN) else PREFIX_ATTENTION


def prefixed_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    plain: Callable[..., tuple[torch.Tensor, None]] | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Return scaled dot-product attention over the prefix of `module`, if it has one, and the text.

    The prefix stands outside the text: it has no position and every token sees it.

    Args:
        module: The attention module.
        query: `batch x heads x queries x head_dim`.
        key: `batch x kv_heads x keys x head_dim`.
        value: `batch x kv_heads x keys x head_dim`.
        attention_mask: `batch or 1 x heads or 1 x queries or 1 x keys`, boolean or added to the scores; None
            for no mask, or for a causal one where `is_causal`.
        plain: What computes the attention itself; transformers' fused one when left out.
        kwargs: Passed on to transformers.

    Returns:
        The output, `batch x queries x heads x head_dim`, and None for the weights, which are not computed.
    """
    prefix: Prefix | None = module.__dict__.get(_CARRIED)
    front = prefix.keys_and_values() if prefix is not None else None
    ours = front is not None or plain is not None
    if ours and attention_mask is None and query.shape[2] > 1 and _is_causal(module, kwargs):
        size = (query.shape[2], key.shape[2])
        attention_mask = torch.ones(size, dtype=torch.bool, device=query.device).tril()[None, None]
    if front is not None:
        length = front[0].shape[-2]
        if attention_mask is not None:
            attention_mask = pad(attention_mask, (length, 0), value=attention_mask.dtype == torch.bool)
        batch = key.shape[0]
        key, value = (
            torch.cat([extra.to(text.dtype).expand(batch, -1, -1, -1), text], dim=2)
            for extra, text in zip(front, (key, value), strict=True)
        )
        kwargs["is_causal"] = False
    recalled = recalled_in(module)
    if recalled is not None:
        key, value, attention_mask = recalled.over(key, value, attention_mask)
    attend = sdpa_attention_forward if plain is None else plain
    output: tuple[torch.Tensor, None] = attend(module, query, key, value, attention_mask, **kwargs)
    return output


def _written_out(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Return attention step by step; the backward of torch's fused one is slow in bf16 on CPUs."""
    groups = query.shape[1] // key.shape[1]
    key, value = (each.repeat_interleave(groups, dim=1) if groups > 1 else each for each in (key, value))
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if attention_mask is not None and attention_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attention_mask, torch.finfo(scores.dtype).min)
    elif attention_mask is not None:
        scores = scores + attention_mask
    return (softmax(scores, dim=-1).to(value.dtype) @ value).transpose(1, 2).contiguous(), None


def _is_causal(module: nn.Module, kwargs: dict[str, Any]) -> bool:
    """Return what transformers' own attention takes `is_causal` to be."""
    given = kwargs.get("is_causal")
    return bool(getattr(module, "is_causal", True) if given is None else given)


AttentionInterface.register(PREFIX_ATTENTION, prefixed_attention)
AttentionMaskInterface.register(PREFIX_ATTENTION, sdpa_mask)
AttentionInterface.register(_PLAIN, partial(prefixed_attention, plain=_written_out))
AttentionMaskInterface.register(_PLAIN, eager_mask)
