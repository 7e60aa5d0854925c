"""Trained values whose positions change, with what an optimiser remembers of them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer

from autopeft.methods.sparse.layer import SparseLinear

__all__ = ["exchange"]

#: What optimisers remember of each value; other states are of rows, of columns or of steps.
_OF_COORDINATES = ("exp_avg", "exp_avg_sq", "age")


def exchange(
    layer: SparseLinear,
    optimiser: Optimizer,
    kept: Tensor,
    added: Tensor,
    *,
    values: Tensor | None = None,
    gradients: Tensor | None = None,
    seeds: Mapping[str, Tensor] | None = None,
) -> None:
    """Let some positions of a layer train no longer, and others from now on.

    What stays keeps its change, its gradient and what the optimiser remembers of it, to the bit.

    Args:
        layer: The layer.
        optimiser: What trains its values.
        kept: Which of its values stay, int64 indices.
        added: The positions that come in, in the flattened matrix.
        values: The changes there; 0 when left out.
        gradients: Their gradients, where an optimiser step follows.
        seeds: What the optimiser shall remember of them, by the names of its states; 0 when left out.
    """
    parameter = layer.values
    zeros = torch.zeros(len(added), dtype=torch.float32, device=parameter.device)

    def joined(old: Tensor, new: Tensor | None) -> Tensor:
        return torch.cat([old[kept], (zeros if new is None else new).to(old)])

    gradient = parameter.grad
    states = optimiser.state.get(parameter, {})
    for name, state in states.items():
        if name in _OF_COORDINATES:
            states[name] = joined(state, (seeds or {}).get(name))
    layer.place(torch.cat([layer.positions[kept], added]), joined(parameter.detach(), values))
    if gradient is not None:
        parameter.grad = joined(gradient, gradients)
