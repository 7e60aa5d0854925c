"""The top layer's feed-forward part, computed only for the token that a classification head reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy

__all__ = ["first_token_only", "reads_first_token"]

#: Differences of logits that are rounding, in fp32: matrices of other shapes are summed in another order.
_ROUNDING = 1e-4


@contextmanager
def first_token_only(model: PreTrainedModel, anatomy: Anatomy) -> Iterator[None]:
    """Give the top layer's feed-forward part nothing but the first token of each text.

    What comes after the top layer's attention treats tokens one by one, so the first comes out as ever.

    Args:
        model: A model for which `reads_first_token` says so.
        anatomy: Its resolved anatomy.
    """
    handles = [module.register_forward_pre_hook(_cut) for module in _halves(model, anatomy)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def reads_first_token(model: PreTrainedModel, anatomy: Anatomy, inputs: Mapping[str, torch.Tensor]) -> bool:
    """Tell by trying whether a model's logits need only the first token of the top layer.

    Args:
        model: The model without adapters, in eval mode.
        anatomy: Its resolved anatomy.
        inputs: A few texts, on the model's device, padded.
    """
    if len(_halves(model, anatomy)) < 2:
        return False
    full = model(**inputs).logits
    try:
        with first_token_only(model, anatomy):
            cut = model(**inputs).logits
    except (RuntimeError, IndexError):
        return False
    return full.shape == cut.shape and torch.allclose(full, cut, atol=_ROUNDING, rtol=_ROUNDING)


def _halves(model: nn.Module, anatomy: Anatomy) -> list[nn.Module]:
    """Return the modules around the matrices `up` and `down` of the top layer, where each has one to itself."""
    top = anatomy.count - 1
    names = dict.fromkeys(anatomy.module(top, role).rpartition(".")[0] for role in ("up", "down"))
    names.pop(anatomy.layer(top), None)
    return [model.get_submodule(name) for name in names]


def _cut(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(each[:, :1] for each in inputs)
