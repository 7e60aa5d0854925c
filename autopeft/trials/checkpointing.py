"""Gradient checkpointing: layers keep their input and compute the rest again for the backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

__all__ = ["recompute_layers", "recomputing"]


def recompute_layers(model: PreTrainedModel) -> None:
    """Switch the layers of a model in eval mode to gradient checkpointing; `model.eval()` ends it.

    Layers then take no keys and values from outside, as PEFT's prefix tuning hands them in.
    """
    for module in model.modules():
        if isinstance(module, GradientCheckpointingLayer):
            module.gradient_checkpointing = True
            module._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)
            # transformers looks at the mode of the layer itself; its dropouts stay off.
            module.training = True


@contextmanager
def recomputing(model: PreTrainedModel, on: bool) -> Iterator[None]:
    """Switch to gradient checkpointing, if `on`, until the block ends: beside it PEFT refuses some methods."""
    if on:
        recompute_layers(model)
    try:
        yield
    finally:
        for module in model.modules():
            if on and isinstance(module, GradientCheckpointingLayer):
                module.gradient_checkpointing = False
