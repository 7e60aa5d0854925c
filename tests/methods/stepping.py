"""Builds tiny adapted models and trains them on one batch, as trials do."""

import torch

from autopeft.methods import VOCABULARY, apply, penalty, train_beforehand
from autopeft.space import canonical
from autopeft.testing import methods

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


def train(model, batch, steps, rate=0.05, weight_decay=0.0, of=None, each=lambda step, optimiser: None):
    """Train the adapters alone; methods are told of as many steps unless `of` says more. Return the optimiser."""
    return methods.train(model, batch, steps, of or steps, rate=rate, weight_decay=weight_decay, head=False, each=each)


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
