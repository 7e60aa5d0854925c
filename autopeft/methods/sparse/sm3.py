"""SM3: a second moment for each row and column of a matrix in the place of one for each weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from autopeft.methods.sparse.layer import SparseLinear

__all__ = ["expected", "sm3"]


def sm3(
    layers: dict[nn.Parameter, SparseLinear],
) -> Callable[[dict[str, Any], dict[nn.Parameter, dict[str, Any]]], None]:
    """Return the rule of SM3 over sparse changes, without momentum (Anil et al. 2019, arXiv:1901.11150, SM3-II).

    Rows and columns in which nothing trains keep what they have.

    Args:
        layers: The layer of each parameter.
    """

    def step(group: dict[str, Any], states: dict[nn.Parameter, dict[str, Any]]) -> None:
        for parameter in group["params"]:
            if parameter.grad is None:
                continue
            layer = layers[parameter]
            outputs, inputs = layer.get_base_layer().weight.shape
            state = states[parameter]
            if not state:
                state.update(rows=parameter.new_zeros(outputs), columns=parameter.new_zeros(inputs))
                # Not read here: torch wants it of every state it loads.
                state["step"] = torch.zeros(())
            row, column = layer.positions // inputs, layer.positions % inputs
            moment = torch.minimum(state["rows"][row], state["columns"][column]) + parameter.grad**2
            if group["weight_decay"]:
                parameter.mul_(1 - float(group["lr"]) * group["weight_decay"])
            parameter.sub_(group["lr"] * parameter.grad / (moment + group["eps"]).sqrt())
            for name, index in (("rows", row), ("columns", column)):
                state[name].scatter_reduce_(0, index, moment, "amax", include_self=False)

    return step


def expected(state: dict[str, Tensor]) -> Tensor:
    """Return the second moments that rows and columns stand for, `[outputs, inputs]`: what grows is chosen by them."""
    return torch.outer(state["rows"], state["columns"])
