"""What of a model in training is worth keeping: all that adapters brought into it, and the head."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones import head_parameters
from autopeft.methods.builder import applied

__all__ = ["read_state", "write_state"]

_FILE = "adapters.safetensors"


def write_state(model: PreTrainedModel, folder: Path) -> None:
    """Write the parameters that adapters brought in, frozen ones too, and those of the head.

    Args:
        model: A model that `autopeft.methods.apply` adapted.
        folder: Where to write; made if need be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: parameter.detach().contiguous() for name, parameter in _kept(model).items()}
    save_file(tensors, str(folder / _FILE), metadata={"format": "pt"})


@torch.no_grad()
def read_state(model: PreTrainedModel, folder: Path) -> None:
    """Read what `write_state` wrote into a model that was adapted in the same way from the same seed."""
    saved = load_file(folder / _FILE)
    for name, parameter in _kept(model).items():
        parameter.copy_(saved[name])


def _kept(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    before = {id(parameter) for parameter, _ in applied(model).requires_grad}
    brought = {name: parameter for name, parameter in model.named_parameters() if id(parameter) not in before}
    return brought | head_parameters(model)
