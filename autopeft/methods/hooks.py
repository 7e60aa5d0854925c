"""What the methods in a model want of a training loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones import last_of_head
from autopeft.methods.builder import applied, is_adapted, plan
from autopeft.methods.forward_only import ForwardOnly, forward_only_of
from autopeft.methods.method import Method
from autopeft.methods.moment import Moment
from autopeft.methods.optimiser import AdapterAdamW
from autopeft.space import Configuration

__all__ = [
    "Train",
    "after_backward",
    "after_step",
    "before_backward",
    "before_step",
    "is_settled",
    "optimiser_groups",
    "optimiser_of",
    "penalty",
    "prune_now",
    "prune_when_due",
    "start_head",
    "switch_training",
    "train_beforehand",
    "trains_beforehand",
]

#: Trains parameters at a peak learning rate for a share of the training to come.
Train = Callable[[Sequence[nn.Parameter], float, float], None]


def start_head(configuration: Configuration, model: PreTrainedModel, generator: torch.Generator) -> None:
    """Let the methods of a configuration draw the task head of a model as they want it, before they are put in."""
    last = last_of_head(model)
    if last:
        head = dict(model.get_submodule(last).named_parameters())
        for part in plan(configuration):
            part.method.start_head(head, generator)


def optimiser_groups(model: PreTrainedModel) -> list[dict[str, Any]]:
    """Return the trainable adapter parameters of a model as groups of an optimiser: `params`, peak `lr`, settings.

    A method's own learning rate wins over that under `training`.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    plain: dict[float, list[nn.Parameter]] = {}
    special = []
    for part, tuner, parameters in applied(model).inserted:
        rate, factors = _rate(model, part.cells), part.method.rate_factors(part.cells)
        settings = part.method.optimiser_settings(tuner, part.cells)
        groups: dict[float, list[nn.Parameter]] = {} if settings else plain
        for parameter in parameters:
            name = names[id(parameter)]
            factor = next((factor for word, factor in factors.items() if f".{word}." in name), 1.0)
            groups.setdefault(rate * factor, []).append(parameter)
        if settings:
            special += [{"params": found, "lr": each, **settings} for each, found in groups.items()]
    return [{"params": parameters, "lr": rate} for rate, parameters in plain.items()] + special


def optimiser_of(
    model: PreTrainedModel, groups: Sequence[dict[str, Any]], weight_decay: float, seed: int, *, fused: bool = False
) -> AdapterAdamW | ForwardOnly:
    """Return what makes the steps of a model's training, as its configuration says.

    Args:
        model: The adapted model.
        groups: Parameter groups: `params`, peak `lr`, and what else the methods want of AdamW.
        weight_decay: Of what trains.
        seed: Seed of what is drawn.
        fused: Whether AdamW's steps are fused.
    """
    spsa = forward_only_of(applied(model).configuration.training) if is_adapted(model) else None
    if spsa is None:
        return AdapterAdamW(groups, weight_decay=weight_decay, fused=fused)
    return ForwardOnly(groups, spsa, seed, weight_decay)


def _rate(model: PreTrainedModel, cells: Any) -> float:
    own = next(iter(cells.values())).get("learning_rate")
    rate: float = applied(model).configuration.training["learning_rate"] if own is None else own
    return rate


def prune_when_due(model: PreTrainedModel, moment: Moment) -> None:
    """Prune the frozen weights of a model before the step from which on they shall be."""
    for pruner in applied(model).pruners:
        pruner.before_step(moment)


def prune_now(model: PreTrainedModel) -> None:
    """Prune the frozen weights of a model, where its configuration says so and it has not been done."""
    for pruner in applied(model).pruners:
        if pruner.pending:
            pruner.prune()


def is_settled(model: PreTrainedModel) -> bool:
    """Tell whether a model in training is what its configuration says by now, so that its state may be kept."""
    return not any(pruner.pending for pruner in applied(model).pruners)


def penalty(model: PreTrainedModel) -> torch.Tensor | None:
    """Return what the methods in a model add to the training loss; None for nothing."""
    terms = [part.method.penalty(tuner, part.cells) for part, tuner, _ in applied(model).inserted]
    given = [term for term in terms if term is not None]
    return torch.stack(given).sum() if given else None


def trains_beforehand(model: PreTrainedModel) -> bool:
    """Tell whether a method in a model trains something before training begins."""
    return any(type(part.method).beforehand is not Method.beforehand for part, _, _ in applied(model).inserted)


def train_beforehand(model: PreTrainedModel, train: Train) -> None:
    """Let the methods train something before training begins.

    Args:
        model: The adapted model.
        train: Trains parameters, at a learning rate, for a share of the training to come.
    """
    for part, tuner, _ in applied(model).inserted:
        rate = _rate(model, part.cells)
        part.method.beforehand(tuner, part.cells, lambda parameters, length, rate=rate: train(parameters, rate, length))


def before_backward(model: PreTrainedModel, moment: Moment) -> None:
    """Let schedule and methods know that the gradients of a step will be computed."""
    for schedule in applied(model).schedules:
        schedule.before_backward(moment)
    for part, tuner, _ in applied(model).inserted:
        part.method.before_backward(tuner, part.cells, moment)


def after_backward(model: PreTrainedModel, moment: Moment) -> None:
    """Let the methods see the gradients of a step, not clipped yet."""
    for part, tuner, _ in applied(model).inserted:
        part.method.after_backward(tuner, part.cells, moment)


def before_step(model: PreTrainedModel) -> None:
    """Let the methods see the gradients before an optimiser step, clipped already."""
    for part, tuner, _ in applied(model).inserted:
        part.method.before_step(tuner, part.cells)


def after_step(model: PreTrainedModel, moment: Moment) -> None:
    """Let methods and schedule do what they do after an optimiser step, before gradients are dropped."""
    for part, tuner, _ in applied(model).inserted:
        part.method.after_step(tuner, part.cells, moment)
    for schedule in applied(model).schedules:
        schedule.after_step(moment)


def switch_training(model: PreTrainedModel, on: bool) -> None:
    """Switch the adapters to training or evaluation: their dropout and sampling; the backbone stays as it is.

    What a configuration leaves out of training passes is left out or there with them.
    """
    for dropper in applied(model).droppers if is_adapted(model) else ():
        dropper.on = on
    for layer in model.modules():
        if isinstance(layer, BaseTunerLayer):
            layer.training = on
            for name, child in layer.named_children():
                if name != "base_layer":
                    child.train(on)
