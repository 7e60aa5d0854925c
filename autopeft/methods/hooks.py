"""What the methods in a model want of a training loop."""

from __future__ import annotations

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers import PreTrainedModel

from autopeft.methods.builder import applied

__all__ = ["after_step", "before_step", "learning_rates", "penalty", "switch_training"]


def learning_rates(model: PreTrainedModel) -> dict[float, list[nn.Parameter]]:
    """Return the trainable adapter parameters of a model by their peak learning rates.

    A method's own learning rate wins over that under `training`.
    """
    done = applied(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups: dict[float, list[nn.Parameter]] = {}
    for part, _, parameters in done.inserted:
        own = next(iter(part.cells.values())).get("learning_rate")
        rate = done.configuration.training["learning_rate"] if own is None else own
        factors = part.method.rate_factors(part.cells)
        for parameter in parameters:
            name = names[id(parameter)]
            factor = next((factor for word, factor in factors.items() if f".{word}." in name), 1.0)
            groups.setdefault(rate * factor, []).append(parameter)
    return groups


def penalty(model: PreTrainedModel) -> torch.Tensor | None:
    """Return what the methods in a model add to the training loss; None for nothing."""
    terms = [part.method.penalty(tuner, part.cells) for part, tuner, _ in applied(model).inserted]
    given = [term for term in terms if term is not None]
    return torch.stack(given).sum() if given else None


def before_step(model: PreTrainedModel) -> None:
    """Let the methods see the gradients before an optimiser step, clipped already."""
    for part, tuner, _ in applied(model).inserted:
        part.method.before_step(tuner, part.cells)


def after_step(model: PreTrainedModel, step: int, steps: int) -> None:
    """Let the methods do what they do after an optimiser step, before gradients are dropped.

    Args:
        model: The adapted model.
        step: Steps done, from 1.
        steps: Steps in all.
    """
    for part, tuner, _ in applied(model).inserted:
        part.method.after_step(tuner, part.cells, step, steps)


def switch_training(model: PreTrainedModel, on: bool) -> None:
    """Switch the adapters to training or evaluation: their dropout and sampling; the backbone stays as it is."""
    for layer in model.modules():
        if isinstance(layer, BaseTunerLayer):
            layer.training = on
            for name, child in layer.named_children():
                if name != "base_layer":
                    child.train(on)
