"""How much each training row does for a surrogate: the backbone with its head trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from autopeft.levers.influence import influences
from autopeft.trials.hardware import autocast
from autopeft.trials.scores.reading import Reading

__all__ = ["influence_of"]


def influence_of(reading: Reading) -> NDArray[np.float64]:
    """Return the influence of each example to be scored on the mean loss of the training split, `[n]`.

    It is by the last layer of the head; they are of the training split, or of a pool.
    """
    loss_of = reading.kind.loss_of_logits
    assert loss_of is not None
    features, logits, labels = _last_layer(reading)
    logits.requires_grad_()
    # The loss is a mean, of which each row is a part by itself.
    total = loss_of(logits, labels) * len(logits)
    [gradients] = torch.autograd.grad(total, logits, create_graph=True)
    # Outputs in a unit of their own have parameters in it too; what is added to the curvature has none.
    unit = reading.kind.rate_factors(reading.model).get(f"{reading.anatomy.head}.weight", 1.0)

    def curvature(change: NDArray[np.float64]) -> NDArray[np.float64]:
        along = torch.zeros_like(gradients)
        along[own] = torch.from_numpy(unit * change).to(gradients)
        [found] = torch.autograd.grad(gradients, logits, along, retain_graph=True)
        return unit * found[own].double().cpu().numpy()

    of, slopes = features.cpu().numpy(), unit * gradients.detach().double().cpu().numpy()
    own, scored = np.flatnonzero(reading.own), reading.scored
    return influences(of[own], slopes[own], curvature, (of[scored], slopes[scored]))


def _last_layer(reading: Reading) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Run the training rows through the model.

    Returns:
        What the last layer reads of each row, with a 1 where it has a bias, float64 `[n, d]`, what it answers,
        `[n, c]`, and the labels.
    """
    found: list[tuple[torch.Tensor, ...]] = [()] * len(reading.encoded)
    caught: list[tuple[torch.Tensor, torch.Tensor]] = []

    def catch(_module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        answered = output.detach().requires_grad_()
        caught.append((inputs[0].detach(), answered))
        return answered

    with reading.with_head() as model:
        last = model.get_submodule(reading.anatomy.head)
        handle = last.register_forward_hook(catch)
        try:
            for rows, batch in reading.batches():
                labels = batch.pop("labels")
                with autocast(reading.device, reading.precision):
                    logits = model(**batch).logits.float()
                read, answered = caught.pop()
                # Where it answers each token, logits are those of one, or a mean: by how much each counts.
                [parts] = torch.autograd.grad(logits[:, 0].sum(), answered)
                counts = parts[..., :1].double()
                features = torch.cat([counts * read.double(), *([] if last.bias is None else [counts])], -1)
                features = features.sum(1) if features.ndim > 2 else features
                for place, row in enumerate(rows):
                    found[row] = features[place], logits[place].detach(), labels[place]
        finally:
            handle.remove()
    features, logits, labels = (torch.stack(each) for each in zip(*found, strict=True))
    return features, logits, labels
