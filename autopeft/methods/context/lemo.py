"""LeMo: blocks of tokens that matter little skip attentions, and backward passes go through few neurons."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import nn

from autopeft.backbones import Anatomy
from autopeft.methods.context.dropper import Dropper, Layer
from autopeft.methods.context.gated import gated_in
from autopeft.space.vocabulary import Knob

__all__ = ["Lemo"]

#: What an attention is called with whose tokens can be chosen.
_CALLED_WITH = {"hidden_states", "position_embeddings", "attention_mask"}


class Lemo:
    """LeMo, released as Jenga, with the score itself in place of the predictor that is trained to guess it.

    In the layers from the middle on, the last aside, each text keeps the blocks of tokens that its attention looks
    from and at the most. Kept tokens see only each other, at their own positions; what attention gives the others is
    0, so that only the residual stream goes on. In all layers the feed-forward part is exact, and its gradient goes
    through some of the neurons. So much less waits in memory for the backward pass.

    Only training does that, as `switch_training` says it is: what is measured or saved is the model with all tokens.
    The release's modified model drops tokens in whatever passes through it. Blocks are chosen for each text of a batch
    by itself and padding has no say in it, where the release takes one text at a time, of whole blocks.

    Attributes:
        opened: What lets anything train in the modules that are `closed`.
    """

    name: ClassVar[str] = "lemo"
    source: ClassVar[str] = "Wang et al. 2025, arXiv:2501.09767"
    summary: ClassVar[str] = "unimportant tokens skip middle layers' attention, gradients skip most neurons"
    opened: ClassVar[str] = "lemo_neurons: 1"
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob(
            "kept",
            "float",
            "the share of the blocks of 64 tokens that go through the attention of middle layers",
            default=0.4,
            range="0.2 | 0.4 | 0.7 | 1",
            low=0.01,
            high=1.0,
        ),
        Knob(
            "neurons",
            "float",
            "the share of the feed-forward neurons that gradients go through; less than 1 wants no adapters there",
            default=0.2,
            range="0.1 | 0.2 | 0.5 | 1",
            low=0.01,
            high=1.0,
        ),
    )

    def dropping(self, layers: int, knobs: Mapping[str, Any]) -> range:
        """Return the layers in which tokens are left out.

        Args:
            layers: How many layers there are.
            knobs: Its knobs.
        """
        return range(max(0, layers // 2 - 1), layers - 1) if knobs["kept"] < 1 else range(0)

    def kept_of(self, layers: range, count: int, knobs: Mapping[str, Any]) -> dict[str, float]:
        """Return what the activations of layers grow with: their number, the share of tokens and of neurons in each.

        Args:
            layers: The layers that are differentiated.
            count: How many layers there are.
            knobs: Its knobs.
        """
        dropping = self.dropping(count, knobs)
        return {
            "layers": float(len(layers)),
            "tokens": sum(knobs["kept"] if layer in dropping else 1.0 for layer in layers),
            "neurons": knobs["neurons"] * len(layers),
        }

    def closed(self, anatomy: Anatomy, knobs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the full names of the modules in which nothing may train, for its gradient would lack most of it.

        Args:
            anatomy: The resolved anatomy of the backbone.
            knobs: Its knobs.
        """
        layers = range(anatomy.count) if knobs["neurons"] < 1 else range(0)
        return tuple(anatomy.module(layer, "up").rpartition(".")[0] for layer in layers)

    def misfit(self, model: nn.Module, anatomy: Anatomy, knobs: Mapping[str, Any], *, quantized: bool) -> str | None:
        """Say what of a model without adapters, on the meta device maybe, it needs and is not there.

        Args:
            model: The model.
            anatomy: The resolved anatomy of its backbone.
            knobs: Its knobs.
            quantized: Whether the weights are held in few bits.
        """
        if quantized and knobs["neurons"] < 1:
            return f"weights are held in few bits, which all gradients have to go through (`{self.opened}`)"
        if not anatomy.attention_open:
            return "it needs an attention that can be reached through transformers' interface in its sdpa form"
        if all(_fits(model, anatomy, layer) for layer in range(anatomy.count)):
            return None
        return (
            "it needs a decoder with rotary embeddings and a gated feed-forward part of three matrices, such as Llama, "
            "Mistral, Qwen and Gemma have"
        )

    def begin(self, model: nn.Module, anatomy: Anatomy, knobs: Mapping[str, Any]) -> Dropper:
        """Return it at work in a model without adapters, which may come.

        Args:
            model: The model.
            anatomy: The resolved anatomy of its backbone.
            knobs: Its knobs.
        """
        dropping, sparse = self.dropping(anatomy.count, knobs), knobs["neurons"] < 1
        return Dropper(
            [
                Layer(
                    model.get_submodule(anatomy.attention_module(layer)),
                    knobs["kept"] if layer in dropping else 1.0,
                    gated_in(model, anatomy, layer) if sparse else None,
                    knobs["neurons"],
                )
                for layer in range(anatomy.count)
                if sparse or layer in dropping
            ]
        )


def _fits(model: nn.Module, anatomy: Anatomy, layer: int) -> bool:
    attention: Any = model.get_submodule(anatomy.attention_module(layer))
    called = inspect.signature(attention.forward).parameters
    causal = getattr(attention, "is_causal", False)
    return causal and _CALLED_WITH.issubset(called) and gated_in(model, anatomy, layer) is not None
