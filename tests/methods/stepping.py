"""Builds tiny adapted models and trains them on one batch, as trials do."""

from collections.abc import Callable

import torch

from autopeft.methods import (
    VOCABULARY,
    AdapterAdamW,
    Moment,
    after_backward,
    after_step,
    apply,
    before_backward,
    before_step,
    optimiser_groups,
    penalty,
    train_beforehand,
)
from autopeft.space import canonical

__all__ = ["build", "fresh", "rehearsed", "train"]


def fresh(backbone):
    """Load the model with the same head each time."""
    torch.manual_seed(0)
    return backbone.classifier(2)


def build(backbone, modules, training=None, batches=None):
    """Return a model with adapters, and the configuration."""
    configuration = canonical({"modules": modules, "training": training or {}}, VOCABULARY, backbone.shape)
    model = fresh(backbone)
    apply(configuration, model, backbone.anatomy, seed=1, batches=batches)
    return model, configuration


def train(model, batch, steps, rate=0.05, weight_decay=0.0, of=None, each: Callable = lambda step, optimiser: None):
    """Train the adapters alone; return the optimiser.

    Args:
        model: The adapted model.
        batch: Inputs with labels.
        steps: Steps to do.
        rate: Learning rate of all.
        weight_decay: AdamW's.
        of: Steps that methods are told there are; `steps` when left out.
        each: Called after each step with its number and the optimiser.
    """
    groups = [{**group, "lr": rate} for group in optimiser_groups(model)]
    optimiser = AdapterAdamW(groups, weight_decay=weight_decay)
    for step in range(1, steps + 1):
        moment = Moment(step, of or steps, optimiser)
        before_backward(model, moment)
        extra = penalty(model)
        loss = model(**batch).loss
        (loss if extra is None else loss + extra).backward()
        after_backward(model, moment)
        before_step(model)
        optimiser.step()
        after_step(model, moment)
        optimiser.zero_grad()
        each(step, optimiser)
    return optimiser


def rehearsed(model, batch, steps, rate=0.05):
    """Let methods train on one batch what they want to before training, with AdamW without decay."""

    def run(parameters, _, length):
        optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0)
        for _ in range(round(steps * length)):
            extra = penalty(model)
            loss = model(**batch).loss
            (loss if extra is None else loss + extra).backward()
            optimiser.step()
            optimiser.zero_grad()

    train_beforehand(model, run)
