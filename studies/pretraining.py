"""Train a small classifier from scratch, to be the pretrained model of a study."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

__all__ = ["from_scratch"]

_BATCH, _RATE = 64, 1e-3


def from_scratch(
    model: PreTrainedModel,
    read: Callable[[NDArray[np.int64], np.random.Generator], torch.Tensor],
    labels: NDArray[np.int64],
    epochs: int,
) -> None:
    """Train all of a model in place, and print how many examples it gets right.

    Args:
        model: A classifier.
        read: Returns the inputs of some rows, changed by chance.
        labels: The class of each row, `[n]`.
        epochs: Passes over them.
    """
    rng, truth = np.random.default_rng(0), torch.from_numpy(labels)
    optimiser = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.05)
    steps = epochs * (len(truth) // _BATCH)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    model.train()
    for epoch in range(epochs):
        order, right = rng.permutation(len(truth)), 0
        for start in range(0, len(order) - _BATCH + 1, _BATCH):
            rows = order[start : start + _BATCH]
            found = model(read(rows, rng), labels=truth[rows])
            found.loss.backward()
            optimiser.step()
            scheduler.step()
            optimiser.zero_grad()
            right += int((found.logits.argmax(dim=1) == truth[rows]).sum())
        print(f"epoch {epoch + 1}: {right / len(order):.3f} right while training", flush=True)
    model.eval()
