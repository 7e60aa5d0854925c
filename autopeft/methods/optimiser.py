"""AdamW for what adapters train, with rules of their own for methods that have some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import torch
from torch import Tensor, nn

__all__ = ["AdapterAdamW", "Rule"]

#: Makes the step of one group of parameters, given the group and what the optimiser remembers by parameter.
Rule = Callable[[dict[str, Any], dict[nn.Parameter, dict[str, Any]]], None]

#: What of a group is code.
_DOING = ("rule", "origins")


class AdapterAdamW(torch.optim.AdamW):
    """AdamW whose groups may say more than AdamW's do.

    A group may have

    - `rule`, which makes the group's step in the place of AdamW's;
    - `origins`, which returns for a parameter the values it is a change of: weight decay pulls their sum towards 0, as
      it would where the weights themselves train.
    """

    _left_out = False

    def leave_out(self) -> None:
        """Make no step the next time that one is due: nothing moves, nothing is remembered."""
        self._left_out = True

    def forget(self, parameter: nn.Parameter) -> None:
        """Drop what is remembered of a parameter's gradients, as where it is frozen for a while."""
        self.state.pop(parameter, None)

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Make a step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if self._left_out:
            self._left_out = False
            return loss
        for group in self.param_groups:
            if group.get("origins") is not None and group["weight_decay"]:
                self._decay(group)
        every = self.param_groups
        ruled = [group for group in every if group.get("rule") is not None]
        for group in ruled:
            group["rule"](group, self.state)
        if ruled:
            self.param_groups = [group for group in every if group.get("rule") is None]
        try:
            super().step()
        finally:
            self.param_groups = every
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint holds; what groups do is not written, for it is known from the methods."""
        found: dict[str, Any] = super().state_dict()
        plain = [
            {name: value for name, value in group.items() if name not in _DOING} for group in found["param_groups"]
        ]
        return {**found, "param_groups": plain}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        doing = [{name: group[name] for name in _DOING if name in group} for group in self.param_groups]
        groups = [{**saved, **own} for saved, own in zip(state_dict["param_groups"], doing, strict=True)]
        super().load_state_dict({**state_dict, "param_groups": groups})

    @staticmethod
    def _decay(group: dict[str, Any]) -> None:
        """Pull the weights that parameters are changes of towards 0, so that AdamW's own decay makes it the sum's."""
        factor = float(group["lr"]) * group["weight_decay"]
        origins: Callable[[nn.Parameter], Tensor] = group["origins"]
        for parameter in group["params"]:
            if parameter.grad is not None:
                parameter.add_(origins(parameter).to(parameter), alpha=-factor / (1 - factor))
