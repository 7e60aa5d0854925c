"""A LoRA layer whose components come in one by one, with what an optimiser remembers of them."""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners.lora.layer import LoraVariant
from peft.utils.other import transpose
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.optim import Optimizer
from typing_extensions import override

from autopeft.methods.increlora.observing import observed

__all__ = ["BIRTH", "RESERVED", "Growing"]

#: What stands in E for a component in reserve.
RESERVED = 1e-5
#: Standard deviation of the start of A and B.
_SPREAD = 0.02
#: How much of the past stays in the means of importance and of its uncertainty.
_KEPT = 0.85
#: The optimiser's state that says after which step a component came in.
BIRTH = "birth"


class Growing(LoraVariant):
    """The form that PEFT's LoRA layers take: W + alpha / r * B diag(E) A, and some components of A and B in reserve.

    The r components in use come first. Those in reserve train with them, at a small fixed value in E, so that they are
    worth something when they are opened; they take part in the steps of training alone, and never in what is measured,
    merged or stored.

    Args:
        layer: PEFT's layer.
        adapter: The name of its adapter.
        rank: Components in use at first.
        reserves: Components in reserve, at all times.

    Attributes:
        watched: Whether a step of training is under way for which components in reserve and the importance count.
        score: The importance in this step; parts of a batch add up.
        importance: Its moving average.
        uncertainty: The moving average of how far it is from that.
    """

    def __init__(self, layer: Any, adapter: str, rank: int, reserves: int) -> None:
        self.layer = layer
        self.adapter = adapter
        self.reserves = reserves
        self.watched = False
        self.score: Tensor | None = None
        like = self.down
        self.importance = self.uncertainty = torch.zeros((), device=like.device)
        if not hasattr(layer, "lora_E"):
            layer.lora_E = nn.ParameterDict()
            layer.adapter_layer_names = (*layer.adapter_layer_names, "lora_E")
        layer.lora_E[adapter] = nn.Parameter(like.new_zeros(rank), like.requires_grad)
        rows = rank + reserves
        _place(self.down, _random(like, rows, like.shape[1]))
        _place(self.up, _random(like, self.up.shape[0], rows))
        self._count()

    @property
    def down(self) -> nn.Parameter:
        """A, `[r + reserves, inputs]`."""
        found: nn.Parameter = self.layer.lora_A[self.adapter].weight
        return found

    @property
    def up(self) -> nn.Parameter:
        """B, `[outputs, r + reserves]`."""
        found: nn.Parameter = self.layer.lora_B[self.adapter].weight
        return found

    @property
    def values(self) -> nn.Parameter:
        """The diagonal of E, `[r]`."""
        found: nn.Parameter = self.layer.lora_E[self.adapter]
        return found

    @property
    def rank(self) -> int:
        """Components in use."""
        return len(self.values)

    @property
    def size(self) -> int:
        """Parameters of a component in A and B."""
        return self.down.shape[1] + self.up.shape[0]

    @property
    def worth(self) -> Tensor:
        """What matrices are ranked by when some are to grow."""
        return self.importance * self.uncertainty

    def components(self) -> dict[nn.Parameter, int]:
        """Return what trains, with the dimension along which its components lie."""
        return {self.down: 0, self.up: 1, self.values: 0}

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return the factors of the plain LoRA of rank r that it is: E goes into A."""
        rank = self.rank
        return self.down[:rank] * self.values[:, None], self.up[:, :rank].contiguous()

    def remember(self) -> None:
        """Take the importance of a step into the moving averages."""
        if self.score is not None:
            score = self.score.to(self.importance)
            self.importance = torch.lerp(score, self.importance, _KEPT)
            self.uncertainty = torch.lerp((score - self.importance).abs(), self.uncertainty, _KEPT)
        self.score = None

    @torch.no_grad()
    def grow(self, count: int, optimiser: Optimizer, step: int, *, rescaled: bool) -> None:
        """Open components in reserve, and put new ones in their place.

        What was in use keeps what the optimiser remembers of it, to the bit; what comes in begins without.

        Args:
            count: How many.
            optimiser: What trains them.
            step: After which step.
            rescaled: Whether E makes up for the scale alpha / r, which falls as r rises.
        """
        factor = (self.rank + count) / self.rank if rescaled else 1.0
        like = self.down
        for parameter, added, dim in (
            (self.values, like.new_full((count,), RESERVED), 0),
            (self.down, _random(like, count, like.shape[1]), 0),
            (self.up, _random(like, self.up.shape[0], count), 1),
        ):
            _remember_longer(optimiser, parameter, dim, count, step)
            _place(parameter, torch.cat([parameter, added], dim))
        self.values.mul_(factor)
        self._count()

    @torch.no_grad()
    def resize(self, rank: int) -> None:
        """Give it so many components in use, whose values are read afterwards."""
        rows = rank + self.reserves
        _place(self.values, self.values.new_zeros(rank))
        _place(self.down, self.down.new_zeros(rows, self.down.shape[1]))
        _place(self.up, self.up.new_zeros(self.up.shape[0], rows))
        self._count()

    def _count(self) -> None:
        """Tell PEFT's layer how many components there are."""
        self.layer.r[self.adapter] = self.rank
        self.layer.scaling[self.adapter] = self.layer.lora_alpha[self.adapter] / self.rank
        self.layer.lora_A[self.adapter].out_features = self.layer.lora_B[self.adapter].in_features = len(self.down)

    def forward(self, module: Any, active_adapter: str, x: Tensor, result: Tensor, **kwargs: Any) -> Tensor:
        """Return the result of the wrapped matrix with the update's share added; shapes are `... x features`."""
        x, scaling = module.lora_dropout[active_adapter](x), module.scaling[active_adapter]
        if not self.watched:
            down, up = self.folded()
            return result + linear(linear(x, down), up) * scaling
        if torch.is_autocast_enabled(x.device.type):
            # Here and not in the product, which would keep a copy of its own for the backward pass.
            x = x.to(torch.get_autocast_dtype(x.device.type))
        values = torch.cat([self.values, self.values.new_full((self.reserves,), RESERVED)])
        down, up = self.down * values[:, None], self.up
        added = linear(linear(x, down), up) * scaling
        return result + observed(added, x, down.detach(), up.detach(), scaling, self._take)

    def _take(self, score: Tensor) -> None:
        self.score = score if self.score is None else self.score + score

    def _update(self) -> Tensor:
        """Return what is added to the frozen weight, as that is stored."""
        down, up = self.folded()
        found: Tensor = transpose(up @ down, self.layer.fan_in_fan_out) * self.layer.scaling[self.adapter]
        return found

    @torch.no_grad()
    def merge_safe(self, module: Any, active_adapter: str, orig_weight: Tensor) -> Tensor:
        """Return the weight with the update."""
        return orig_weight + self._update().to(orig_weight.dtype)

    @torch.no_grad()
    def merge_unsafe(self, module: Any, active_adapter: str, orig_weight: Tensor) -> None:
        """Add the update to the weight."""
        orig_weight.data += self._update().to(orig_weight.dtype)

    @torch.no_grad()
    def unmerge(self, module: Any, active_adapter: str, orig_weight: Tensor) -> Tensor:
        """Return the weight without the update."""
        return orig_weight - self._update().to(orig_weight.dtype)

    @override
    def supports_lora_conversion(self) -> bool:
        """Tell that PEFT does not know how many components are in use."""
        return False


def _random(like: Tensor, rows: int, columns: int) -> Tensor:
    return torch.empty(rows, columns, dtype=like.dtype, device=like.device).normal_(std=_SPREAD)


def _place(parameter: nn.Parameter, values: Tensor) -> None:
    """Give a parameter other values, of another shape."""
    # Autograd forgets the shape that a parameter had in graphs that are still there only when its type changes.
    parameter.data = values.detach().double()
    parameter.data = values.detach()
    parameter.grad = None


def _remember_longer(optimiser: Optimizer, parameter: nn.Parameter, dim: int, count: int, step: int) -> None:
    """Let an optimiser remember nothing of components that come in, except when."""
    states = optimiser.state.get(parameter, {})
    for name, state in states.items():
        if isinstance(state, Tensor) and state.dim() == parameter.dim():
            shape = [*state.shape]
            shape[dim] = count
            states[name] = torch.cat([state, state.new_full(shape, step if name == BIRTH else 0)], dim)
