"""Adam whose bias correction goes by how long each coordinate has trained, as positions come and go."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["aged_adam"]


def aged_adam(group: dict[str, Any], states: dict[nn.Parameter, dict[str, Any]]) -> None:
    """Make AdamW's step on a group, each coordinate corrected for its own age in steps (`age` in the states).

    Args:
        group: Parameters with `lr`, `betas`, `eps` and `weight_decay`, which pulls them towards 0.
        states: `exp_avg`, `exp_avg_sq` and `age` of each parameter, all of its shape.
    """
    first, second = group["betas"]
    for parameter in group["params"]:
        gradient = parameter.grad
        if gradient is None:
            continue
        state = states[parameter]
        if not state:
            state.update({name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq", "age")})
            # Not read here: torch wants it of every state it loads.
            state["step"] = torch.zeros(())
        average, square, age = state["exp_avg"], state["exp_avg_sq"], state["age"]
        age += 1
        average.lerp_(gradient, 1 - first)
        square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        if group["weight_decay"]:
            parameter.mul_(1 - float(group["lr"]) * group["weight_decay"])
        parameter.sub_(_corrected(average, square, age, first, second, group["eps"]) * group["lr"])


def _corrected(average: Tensor, square: Tensor, age: Tensor, first: float, second: float, eps: float) -> Tensor:
    return (average / (1 - first**age)) / ((square / (1 - second**age)).sqrt() + eps)
