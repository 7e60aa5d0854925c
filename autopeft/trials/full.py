"""Full fine-tuning on a model that trials share: every parameter trains, and then is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import PreTrainedModel

from autopeft.backbones.quiet import quiet
from autopeft.backbones.safe import SAFE

__all__ = ["all_trainable", "load_full", "save_full"]


@contextmanager
def all_trainable(model: PreTrainedModel) -> Iterator[None]:
    """Let all parameters of a model train within; afterwards they are what they were, and frozen as before.

    Args:
        model: The model, its weights not quantised.
    """
    with _given_back(model):
        before = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
        model.requires_grad_(True)
        try:
            yield
        finally:
            for parameter, requires_grad in before:
                parameter.requires_grad_(requires_grad)
                parameter.grad = None


def save_full(model: PreTrainedModel, folder: Path) -> None:
    """Write a whole model, for `from_pretrained` of its class."""
    with quiet():
        model.save_pretrained(folder)


@contextmanager
def load_full(model: PreTrainedModel, folder: Path) -> Iterator[None]:
    """Give a model the weights that `save_full` wrote of one like it; it has its own back afterwards."""
    with _given_back(model):
        with quiet():
            saved = type(model).from_pretrained(folder, **SAFE)
        model.load_state_dict(saved.state_dict())
        yield


@contextmanager
def _given_back(model: PreTrainedModel) -> Iterator[None]:
    """Give all weights back afterwards; a copy waits in the machine's memory."""
    copies = [(parameter, parameter.detach().cpu().clone()) for parameter in model.parameters()]
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, value in copies:
                parameter.copy_(value)
