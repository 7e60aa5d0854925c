"""LeMo at work in a model that trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from autopeft.methods.context.attention import padding, put_back, taken, unrotated
from autopeft.methods.context.blocks import BLOCK, Kept, block_scores, keep
from autopeft.methods.context.gated import Gated, through_some

__all__ = ["Dropper", "Layer"]


@dataclass(frozen=True)
class Layer:
    """What is left out in a layer.

    Args:
        attention: Its attention, as it was before adapters.
        kept: The share of the blocks of tokens that go through the attention.
        gated: Its feed-forward part; None where the backward pass goes through all of it.
        neurons: The share of the neurons that the backward pass goes through.
    """

    attention: nn.Module
    kept: float
    gated: Gated | None
    neurons: float


class Dropper:
    """Leaves tokens and neurons out of the training passes through a model.

    Args:
        layers: What is left out, layer by layer.

    Attributes:
        on: Whether passes are those of training; in all others everything is there.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.on = False
        self._at_work = [_AtWork(self, layer) for layer in layers]

    def take_off(self) -> None:
        """Leave the model as it was."""
        for each in self._at_work:
            each.take_off()


class _AtWork:
    """What is left out in one layer, and what its parts tell each other in a pass."""

    def __init__(self, dropper: Dropper, layer: Layer) -> None:
        self._dropper, self._layer = dropper, layer
        self._valid: Tensor | None = None
        self._kept: Kept | None = None
        self._tokens = 0
        attention = layer.attention
        self._hooks = [
            attention.register_forward_pre_hook(self._before, with_kwargs=True),
            attention.register_forward_hook(self._after),
        ]
        if layer.gated is not None:
            layer.gated.module.__dict__["forward"] = self._feed_forward

    def take_off(self) -> None:
        for hook in self._hooks:
            hook.remove()
        if self._layer.gated is not None:
            self._layer.gated.module.__dict__.pop("forward", None)

    def _before(
        self, attention: nn.Module, args: tuple[Any, ...], inputs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        # What a pass that broke off has left is of no use to the next.
        self._valid = self._kept = None
        if not self._dropper.on:
            return None
        self._valid = padding(inputs["attention_mask"])
        hidden = inputs["hidden_states"]
        self._tokens = hidden.shape[1]
        if self._layer.kept == 1.0 or self._tokens <= BLOCK:
            return None
        valid = hidden.new_ones(hidden.shape[:2], dtype=torch.bool) if self._valid is None else self._valid
        # A step of training keeps no keys for later, whatever it is called with.
        alone = {**inputs, "past_key_values": None}
        self._kept = keep(block_scores(*unrotated(attention, alone), valid), valid, self._layer.kept)
        return args, taken(alone, self._kept)

    def _after(self, _module: nn.Module, _args: Any, output: tuple[Any, ...]) -> Any:
        # Held no longer than it is needed.
        kept, self._kept = self._kept, None
        return None if kept is None else (put_back(output[0], kept, self._tokens), *output[1:])

    def _feed_forward(self, hidden: Tensor) -> Tensor:
        """Stand in for the part's own forward."""
        gated = self._layer.gated
        assert gated is not None
        if not (self._dropper.on and torch.is_grad_enabled()):
            found: Tensor = type(gated.module).forward(gated.module, hidden)
            return found
        valid, self._valid = self._valid, None
        return through_some(hidden, gated, self._layer.neurons, valid)
