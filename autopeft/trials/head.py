"""A fresh task head for every trial, the same for the same seed."""

from __future__ import annotations

import torch
from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones import head_parameters
from autopeft.methods import start_head
from autopeft.space import Configuration

__all__ = ["reset_head"]


@torch.no_grad()
def reset_head(model: PreTrainedModel, seed: int, configuration: Configuration | None = None) -> None:
    """Draw the task head anew, as transformers does: normal matrices, biases 0; or as a method has it.

    Args:
        model: A task model, with or without adapters; changed in place.
        seed: Seed of the draw, which touches no other generator.
        configuration: What will be put into the model, where its methods have a say.
    """
    generator = torch.Generator().manual_seed(seed)
    deviation = getattr(model.config, "initializer_range", None) or 0.02
    for parameter in head_parameters(model).values():
        if parameter.ndim > 1:
            drawn = torch.empty(parameter.shape).normal_(0.0, deviation, generator=generator)
            parameter.copy_(drawn)
        else:
            nn.init.zeros_(parameter)
    if configuration is not None:
        start_head(configuration, model, generator)
