"""Frozen matrices held in the type in which they are computed."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy, matrices_of
from autopeft.trials.kind import TrialKind

__all__ = ["hold_as_computed", "holds_half"]


def holds_half(kind: TrialKind, precision: str) -> bool:
    """Tell whether trials hold matrices in half precision: elsewhere the weights are a small part of the memory.

    Args:
        kind: What the task is.
        precision: `bf16` or `fp32`.
    """
    return kind.each_token and precision == "bf16"


def hold_as_computed(model: PreTrainedModel, anatomy: Anatomy) -> None:
    """Hold the matrices inside a model's layers in bf16 where autocast would cast them to it in every step.

    The results are the same to the bit, the weights take half the memory, and no cast copies wait for the backward
    pass. What autocast leaves in fp32, embeddings and norms, stays so, and so does the sum that goes from layer to
    layer.

    Args:
        model: The model, changed in place; packed weights stay as they are.
        anatomy: Its resolved anatomy.
    """
    for module in matrices_of(model, anatomy):
        module.to(torch.bfloat16)
