"""Frozen matrices held in the type in which they are computed."""

from __future__ import annotations

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from autopeft.backbones import Anatomy

__all__ = ["hold_as_computed"]


def hold_as_computed(model: PreTrainedModel, anatomy: Anatomy, precision: str) -> None:
    """Hold the matrices inside a model's layers in bf16 where autocast would cast them to it in every step.

    The results are the same to the bit, the weights take half the memory, and no cast copies wait for the backward
    pass. What autocast leaves in fp32, embeddings and norms, stays so, and so does the sum that goes from layer to
    layer.

    Args:
        model: The model, changed in place; packed weights stay as they are.
        anatomy: Its resolved anatomy.
        precision: `bf16` or `fp32`.
    """
    if precision != "bf16":
        return
    for index in range(anatomy.count):
        for module in model.get_submodule(anatomy.layer(index)).modules():
            if type(module) in (nn.Linear, Conv1D):
                module.to(torch.bfloat16)
