"""Adam's steps for components that came in at different times, each with a warm-up of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from autopeft.methods.increlora.growing import BIRTH
from autopeft.methods.sparse.aged_adam import aged_adam

__all__ = ["Pace"]


class Pace:
    """The rule of a group of `AdapterAdamW` whose components have ages of their own.

    What was there at first has the group's learning rate, as the training loop schedules it. What came in later has the
    peak that the loop begins from, times a schedule of its own: from 0 linearly up, then linearly down to 0 at the end
    of training. Moments are corrected for each component's own age.

    Args:
        dims: What trains, with the dimension along which its components lie.

    Attributes:
        step: The step that comes next.
        steps: Steps in all.
        rising: Steps of a warm-up.
    """

    def __init__(self, dims: dict[nn.Parameter, int]) -> None:
        self._dims = dims
        self.step, self.steps, self.rising = 1, 1, 1

    def __deepcopy__(self, memo: dict[int, Any]) -> Pace:
        """Return itself: an optimiser copies its groups when it goes on from a checkpoint, and what trains stays."""
        return self

    @torch.no_grad()
    def __call__(self, group: dict[str, Any], states: dict[nn.Parameter, dict[str, Any]]) -> None:
        """Make AdamW's step."""
        for parameter in group["params"]:
            if parameter.grad is None:
                continue
            state = states[parameter]
            if not state:
                shape = [1] * parameter.dim()
                shape[self._dims[parameter]] = -1
                every = parameter.new_zeros(parameter.shape[self._dims[parameter]]).view(shape)
                state.update({name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")})
                state.update(age=every, **{BIRTH: every.clone()})
                # Not read here: torch wants it of every state it loads.
                state["step"] = torch.zeros(())
            rates = self.rates(group, state[BIRTH])
            if group["weight_decay"]:
                parameter.mul_(1 - rates * group["weight_decay"])
            aged_adam({**group, "params": [parameter], "lr": rates, "weight_decay": 0.0}, states)

    def rates(self, group: dict[str, Any], births: Tensor) -> Tensor:
        """Return the learning rates of components.

        Args:
            group: The optimiser's group.
            births: After which step each came in; 0 for what was there at first.
        """
        done, length = self.step - 1 - births, self.steps - births
        factor = torch.minimum(done / self.rising, (length - done) / (length - self.rising).clamp(min=1)).clamp(0, 1)
        return torch.where(births > 0, group.get("initial_lr", group["lr"]) * factor, group["lr"])
