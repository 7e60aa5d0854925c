"""Attention with trainable keys and values in front, registered with transformers' attention interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import pad
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

if TYPE_CHECKING:
    from autopeft.methods.prefix_layer import PrefixLayer

__all__ = ["PREFIX_ATTENTION", "carry", "prefixed_attention"]

#: The name under which transformers finds this attention.
PREFIX_ATTENTION = "autopeft_prefix"
_CARRIED = "_autopeft_prefix"


def carry(attention: nn.Module, prefix: PrefixLayer | None) -> None:
    """Tie a prefix to the attention module that uses it, or untie it.

    The tie is not a submodule: it points from the wrapped module back to its wrapper.
    """
    attention.__dict__.pop(_CARRIED, None)
    if prefix is not None:
        attention.__dict__[_CARRIED] = prefix


def prefixed_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
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
        kwargs: Passed on to transformers.

    Returns:
        The output, `batch x queries x heads x head_dim`, and None for the weights, which are not computed.
    """
    prefix: PrefixLayer | None = module.__dict__.get(_CARRIED)
    front = prefix.keys_and_values() if prefix is not None else None
    if front is not None:
        length = front[0].shape[1]
        if attention_mask is None and query.shape[2] > 1 and _is_causal(module, kwargs):
            size = (query.shape[2], key.shape[2])
            attention_mask = torch.ones(size, dtype=torch.bool, device=query.device).tril()[None, None]
        if attention_mask is not None:
            attention_mask = pad(attention_mask, (length, 0), value=attention_mask.dtype == torch.bool)
        batch = key.shape[0]
        key, value = (
            torch.cat([extra.to(text.dtype).expand(batch, -1, -1, -1), text], dim=2)
            for extra, text in zip(front, (key, value), strict=True)
        )
        kwargs["is_causal"] = False
    output: tuple[torch.Tensor, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    return output


def _is_causal(module: nn.Module, kwargs: dict[str, Any]) -> bool:
    """Return what transformers' own attention takes `is_causal` to be."""
    given = kwargs.get("is_causal")
    return bool(getattr(module, "is_causal", True) if given is None else given)


AttentionInterface.register(PREFIX_ATTENTION, prefixed_attention)
AttentionMaskInterface.register(PREFIX_ATTENTION, sdpa_mask)
