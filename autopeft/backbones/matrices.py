"""The matrices inside a model's layers."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from autopeft.backbones.anatomy import Anatomy

__all__ = ["matrices_of"]


def matrices_of(model: PreTrainedModel, anatomy: Anatomy) -> Iterator[nn.Module]:
    """Yield the modules inside the layers that are a matrix, packed ones aside.

    Args:
        model: The model, without adapters.
        anatomy: Its resolved anatomy.
    """
    for index in range(anatomy.count):
        for module in model.get_submodule(anatomy.layer(index)).modules():
            if type(module) in (nn.Linear, Conv1D):
                yield module
