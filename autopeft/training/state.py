"""What of a model in training is worth keeping: all that adapters brought into it, and the head."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from autopeft.backbones import head_parameters
from autopeft.methods.builder import Inserted, applied

__all__ = ["read_state", "write_state"]

_FILE = "adapters.safetensors"

#: What the names of a schedule's own begin with in the file.
_SCHEDULE = "schedule: "

#: What those of masks begin with.
_MASK = "mask: "


def write_state(model: PreTrainedModel, folder: Path) -> None:
    """Write what adapters brought in, frozen parameters too, and the parameters of the head.

    Args:
        model: A model that `autopeft.methods.apply` adapted.
        folder: Where to write; made if need be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {name: parameter.detach() for name, parameter in _kept(model).items()}
    for prefix, each in _parts(model):
        tensors |= {prefix + name: value for name, value in each.part.method.training_state(each.tuner).items()}
    for schedule in applied(model).schedules:
        tensors |= {_SCHEDULE + name: value for name, value in schedule.state().items()}
    for pruner in applied(model).pruners:
        tensors |= {_MASK + name: value for name, value in pruner.stored().items()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, str(folder / _FILE), {"format": "pt"})


@torch.no_grad()
def read_state(model: PreTrainedModel, folder: Path) -> None:
    """Read what `write_state` wrote into a model that was adapted in the same way from the same seed."""
    saved = load_file(folder / _FILE)
    for prefix, each in _parts(model):
        state = {name.removeprefix(prefix): value for name, value in saved.items() if name.startswith(prefix)}
        each.part.method.resume(each.tuner, state)
    for schedule in applied(model).schedules:
        schedule.resume({name.removeprefix(_SCHEDULE): value for name, value in saved.items() if _SCHEDULE in name})
    for pruner in applied(model).pruners:
        pruner.restore({name.removeprefix(_MASK): value for name, value in saved.items() if name.startswith(_MASK)})
    for name, parameter in _kept(model).items():
        parameter.copy_(saved[name])


def _parts(model: PreTrainedModel) -> Iterator[tuple[str, Inserted]]:
    """Yield the parts in a model, each with what its own names in the file begin with."""
    return ((f"part {number}: ", each) for number, each in enumerate(applied(model).inserted))


def _kept(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    before = {id(parameter) for parameter, _ in applied(model).requires_grad}
    brought = {name: parameter for name, parameter in model.named_parameters() if id(parameter) not in before}
    return brought | head_parameters(model)
