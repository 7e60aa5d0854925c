"""WavLM's attention, which multiplies by the weights of its matrices past the modules that hold them."""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import PreTrainedModel
from transformers.models.wavlm.modeling_wavlm import WavLMAttention

__all__ = ["call_matrices"]


def call_matrices(model: PreTrainedModel) -> None:
    """Let the attention call its matrices, so that adapters in them have their say; its result stays what it is."""
    for module in model.modules():
        if isinstance(module, WavLMAttention):
            # Not a parameter nor a module, so that nothing of it is saved.
            module.__dict__["torch_multi_head_self_attention"] = MethodType(_attended, module)


def _attended(
    attention: Any, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None, gated_position_bias: torch.Tensor
) -> tuple[torch.Tensor, None]:
    """Return what the tokens become, `[batch, tokens, hidden]`; weights are not told.

    Args:
        attention: The module.
        hidden_states: The tokens, `[batch, tokens, hidden]`.
        attention_mask: Which of them are no padding, `[batch, tokens]`.
        gated_position_bias: What is added to scores, `[batch * heads, tokens, tokens]`.
    """
    batch, tokens, _ = hidden_states.shape
    query, key, value = (
        matrix(hidden_states).view(batch, tokens, attention.num_heads, -1).transpose(1, 2)
        for matrix in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    bias = gated_position_bias.view(batch, attention.num_heads, tokens, tokens).to(query.dtype)
    if attention_mask is not None:
        bias = bias.masked_fill(attention_mask.ne(1)[:, None, None, :], -torch.inf)
    drop = attention.dropout if attention.training else 0.0
    found = scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=drop)
    return attention.out_proj(found.transpose(1, 2).reshape(batch, tokens, -1)), None
