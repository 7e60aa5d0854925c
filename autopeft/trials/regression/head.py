"""A head that speaks in the unit of the labels, and is trained as if they were standardised.

With `z = (y - offset) / scale` for a label `y`, the last layer holds `scale * w` and `scale * b + offset` where a head
for `z` would hold `w` and `b`. Its gradients are multiplied by `scale`, which makes them those of `w` and `b`, and its
learning rate too, so that each step of an optimiser which divides by the size of gradients, as Adam does, is `scale`
times the step of `w` and `b`. So everything that is saved tells numbers in the label's unit as it lies there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import linear
from transformers import PreTrainedModel

from autopeft.backbones import head_parameters
from autopeft.trials.kind import Batch

__all__ = ["begin", "in_label_unit", "last_names"]

#: How far the weights that tell the mean of the labels are held towards 0, in mean squares of hidden states.
_RIDGE = 1e-2


class FullPrecision(nn.Linear):
    """A linear layer that computes in fp32 whatever is around it: a mean far from 0 leaves bf16 no digits."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the product, fp32."""
        with torch.autocast(input.device.type, enabled=False):
            return linear(input.float(), self.weight, self.bias)


def in_label_unit(model: PreTrainedModel, scale: float) -> None:
    """Let the last layer of a model's head compute in fp32, and have the gradients of standardised labels.

    Args:
        model: The model, with one output; changed in place.
        scale: Standard deviation of the labels.
    """
    last = _last(model)
    last.__class__ = FullPrecision
    for parameter in last.parameters():
        parameter.register_hook(lambda gradient: gradient * scale)


@torch.no_grad()
def begin(model: PreTrainedModel, batches: Sequence[Batch], offset: float, scale: float) -> None:
    """Let a head that was drawn anew, for standardised labels, tell labels around their mean.

    A head without bias, as decoders have it, gets weights that tell the mean as nearly as can be, by ridge regression
    on some texts.

    Args:
        model: The model; changed in place.
        batches: Some batches of training texts.
        offset: Mean of the labels.
        scale: Their standard deviation.
    """
    last = _last(model)
    last.weight.mul_(scale)
    bias: nn.Parameter | None = last.bias
    if bias is not None:
        bias.mul_(scale).add_(offset)
    elif offset:
        last.weight.add_(offset * _constant(model, last, batches).to(last.weight))


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


def _constant(model: PreTrainedModel, last: nn.Linear, batches: Sequence[Batch]) -> torch.Tensor:
    """Return weights, `[1, hidden]`, with which the layer tells 1 of each text as nearly as can be."""
    seen: list[torch.Tensor] = []
    handle = last.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].float().cpu()))
    try:
        for batch in batches:
            model(**{name: value for name, value in batch.items() if name != "labels"})
    finally:
        handle.remove()
    states = []
    for hidden, batch in zip(seen, batches, strict=True):
        if hidden.ndim == 3:
            # Decoders tell by the last token that is no padding.
            ends = batch["attention_mask"].sum(dim=1).cpu() - 1
            hidden = hidden[torch.arange(len(hidden)), ends]
        states.append(hidden)
    h = torch.cat(states).double()
    gram = h @ h.T
    gram += _RIDGE * gram.diagonal().mean() * torch.eye(len(h), dtype=h.dtype)
    return (h.T @ torch.linalg.solve(gram, torch.ones(len(h), dtype=h.dtype)))[None]
