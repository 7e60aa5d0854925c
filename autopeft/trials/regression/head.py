"""A head that speaks in the unit of the labels, and is trained as if they were standardised.

With `z = (y - offset) / scale` for a label `y`, the last layer holds `scale * w` and `scale * b + offset` where a head
for `z` would hold `w` and `b`. Its gradients are multiplied by `scale`, which makes them those of `w` and `b`, and its
learning rate too, so that each step of an optimiser which divides by the size of gradients, as Adam does, is `scale`
times the step of `w` and `b`. So everything that is saved tells numbers in the label's unit as it lies there.

A head without bias, as decoders have it, has no place for the offset: it tells how far a label is from it, in the
label's unit, and the layer adds it here; whoever runs what is saved elsewhere adds it too, as the card shows.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import linear
from transformers import PreTrainedModel

from autopeft.backbones import head_parameters

__all__ = ["begin", "in_label_unit", "last_names", "offset_apart"]


class FullPrecision(nn.Linear):
    """A linear layer that computes in fp32 whatever is around it: a mean far from 0 leaves bf16 no digits.

    Attributes:
        constant: What it adds, where it has no bias that could hold it.
    """

    constant: float = 0.0

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the product, fp32."""
        with torch.autocast(input.device.type, enabled=False):
            found = linear(input.float(), self.weight, self.bias)
        return found + self.constant if self.constant else found


def offset_apart(model: PreTrainedModel) -> bool:
    """Tell whether the head of a model has no bias, so that what it tells lacks the offset."""
    return _last(model).bias is None


def in_label_unit(model: PreTrainedModel, offset: float, scale: float) -> None:
    """Let the last layer of a model's head compute in fp32, and have the gradients of standardised labels.

    Args:
        model: The model, with one output; changed in place.
        offset: Mean of the labels.
        scale: Their standard deviation.
    """
    last = _last(model)
    last.__class__ = FullPrecision
    assert isinstance(last, FullPrecision)
    last.constant = offset if offset_apart(model) else 0.0
    for parameter in last.parameters():
        parameter.register_hook(lambda gradient: gradient * scale)


@torch.no_grad()
def begin(model: PreTrainedModel, offset: float, scale: float) -> None:
    """Let a head that was drawn anew, for standardised labels, tell labels around their mean.

    Args:
        model: The model; changed in place.
        offset: Mean of the labels.
        scale: Their standard deviation.
    """
    last = _last(model)
    last.weight.mul_(scale)
    if not offset_apart(model):
        last.bias.mul_(scale).add_(offset)


def last_names(model: PreTrainedModel) -> list[str]:
    """Return the names of the parameters of the last layer."""
    last = {id(parameter) for parameter in _last(model).parameters()}
    return [name for name, parameter in head_parameters(model).items() if id(parameter) in last]


def _last(model: PreTrainedModel) -> nn.Linear:
    """Return the layer of the head with one output."""
    heads = {name.rpartition(".")[0] for name in head_parameters(model)}
    found = [model.get_submodule(name) for name in heads]
    [last] = [each for each in found if isinstance(each, nn.Linear) and each.out_features == 1]
    return last
