"""An attention over some of the tokens, with what it is called with as transformers' decoders do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from autopeft.methods.context.blocks import Kept

__all__ = ["padding", "put_back", "taken", "unrotated"]

#: The name of the attention that only hands out what it is given.
_LOOK = "autopeft_look"


class _SeenError(Exception):
    """An attention has its queries and keys."""

    def __init__(self, query: Tensor, key: Tensor) -> None:
        self.query, self.key = query, key


def _look(module: nn.Module, query: Tensor, key: Tensor, *_: Any, **__: Any) -> Any:
    raise _SeenError(query, key)


AttentionInterface.register(_LOOK, _look)


@torch.no_grad()
def unrotated(attention: nn.Module, inputs: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Return the queries and keys of an attention as they are before rotary embeddings.

    Args:
        attention: The module, adapters inside.
        inputs: What it is called with.

    Returns:
        `[batch, heads, tokens, size]`, and the same of keys, of which there may be fewer heads.
    """
    config: Any = attention.config
    before = config._attn_implementation
    cos, sin = inputs["position_embeddings"]
    still = {**inputs, "position_embeddings": (torch.ones_like(cos), torch.zeros_like(sin))}
    config._attn_implementation = _LOOK
    try:
        # Not called: hooks on the module are for the attention itself.
        attention.forward(**still)
    except _SeenError as seen:
        return seen.query, seen.key
    finally:
        config._attn_implementation = before
    raise AssertionError("it does not go through transformers' attention interface")


def padding(mask: Tensor | None) -> Tensor | None:
    """Return which tokens are no padding, bool `[batch, tokens]`, by the mask of an attention; None where all are.

    Args:
        mask: `[batch, 1, tokens, tokens]`, boolean or added to the scores; no token of a text is hidden from itself.
    """
    if mask is None:
        return None
    own = mask.diagonal(dim1=-2, dim2=-1)[:, 0]
    return own if own.dtype == torch.bool else own > torch.finfo(own.dtype).min / 2


def taken(inputs: Mapping[str, Any], kept: Kept) -> dict[str, Any]:
    """Return what an attention is called with for some of the tokens, at the positions they have.

    Args:
        inputs: What it is called with for all.
        kept: The tokens.
    """
    places, real = kept
    hidden, mask = inputs["hidden_states"], inputs["attention_mask"]
    found = {
        **inputs,
        "hidden_states": _rows(hidden, places),
        "position_embeddings": tuple(_rows(each, places) for each in inputs["position_embeddings"]),
    }
    if inputs.get("position_ids") is not None:
        found["position_ids"] = _rows(inputs["position_ids"][..., None], places)[..., 0]
    if mask is not None:
        texts = torch.arange(len(places), device=places.device)[:, None, None]
        each = mask.expand(len(places), -1, -1, -1)
        between = each[texts, :, places[:, :, None], places[:, None]].permute(0, 3, 1, 2)
        lowest = False if between.dtype == torch.bool else torch.finfo(between.dtype).min
        found["attention_mask"] = between.masked_fill(~real[:, None, None], lowest)
    # Without a mask an attention is causal: repetitions stand at the end, where no real token looks.
    return found


def put_back(output: Tensor, kept: Kept, tokens: int) -> Tensor:
    """Return what an attention made of some tokens at their places, and 0 at all others.

    Args:
        output: `[batch, most kept, size]`.
        kept: The tokens.
        tokens: How many there are.
    """
    batch, _, size = output.shape
    where = _flat(kept.places, tokens)[kept.real.flatten()]
    some = output.reshape(-1, size) if bool(kept.real.all()) else output[kept.real]
    return output.new_zeros(batch * tokens, size).index_copy(0, where, some).view(batch, tokens, size)


def _rows(values: Tensor, places: Tensor) -> Tensor:
    """Return some rows of each text, `[batch, places, size]`, of `[batch or 1, tokens, size]`."""
    tokens, size = values.shape[1:]
    if len(values) < len(places):
        # Positions, which all texts have alike.
        return values[0][places]
    return values.reshape(-1, size).index_select(0, _flat(places, tokens)).view(*places.shape, size)


def _flat(places: Tensor, tokens: int) -> Tensor:
    """Return places in all texts, one after the other."""
    return (places + tokens * torch.arange(len(places), device=places.device)[:, None]).flatten()
