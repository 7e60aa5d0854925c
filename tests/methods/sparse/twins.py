"""Sparse layers of a model, and the same trained by plain torch."""

import torch

from autopeft.methods.builder import applied
from tests.methods.stepping import fresh

__all__ = ["mask", "masked_twin", "sparse_layers"]


def masked_twin(backbone, masks, batch, steps, rate, weight_decay):
    """Train whole matrices with AdamW, gradients masked, and put back after each step what the mask leaves out."""
    model = fresh(backbone)
    model.eval()
    model.requires_grad_(False)
    weights = {name: model.get_submodule(name).weight for name in masks}
    for weight in weights.values():
        weight.requires_grad_(True)
    optimiser = torch.optim.AdamW(weights.values(), lr=rate, weight_decay=weight_decay)
    for _ in range(steps):
        before = {name: weight.detach().clone() for name, weight in weights.items()}
        model(**batch).loss.backward()
        for name, weight in weights.items():
            weight.grad *= masks[name]
        optimiser.step()
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(torch.where(masks[name], weight, before[name]))
        optimiser.zero_grad()
    return model


def sparse_layers(model):
    return {name: layer for each in applied(model).inserted for name, layer in each.part.method.layers(each.tuner)}


def mask(layer):
    found = torch.zeros(layer.get_base_layer().weight.numel(), dtype=torch.bool)
    found[layer.positions] = True
    return found.view_as(layer.get_base_layer().weight)
