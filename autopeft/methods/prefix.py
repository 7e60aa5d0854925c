"""Prefix tuning with a length of its own for every layer."""

from __future__ import annotations

from typing import Any

import torch
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.gate import GATE
from autopeft.methods.method import Cells, Knobs, Method, learning_rate, shared_knob
from autopeft.methods.prefix_layer import PrefixConfig, PrefixLayer
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Prefix"]


class Prefix(Method):
    """Trainable keys and values in front of the text, without reparametrisation (as P-tuning v2), or with.

    With, a network of one hidden layer makes them out of an embedding, `length x d`, while they train: Linear, tanh,
    Linear, with torch's own start. It trains and is counted; saved are the keys and values that it makes, as of a plain
    prefix. Li and Liang, and MAM and AutoPEFT after them, have one embedding and one network for all layers; here
    every layer has its own, for prefixes are placed layer by layer: none of it is shared, and the second Linear makes
    the keys and values of one layer only.
    """

    words = MethodWords(
        name="prefix",
        summary="trainable keys and values in front of the text, in the attention",
        source="Li and Liang 2021, arXiv:2101.00190; Liu et al. 2021, arXiv:2110.07602; He et al. 2021, "
        "arXiv:2110.04366",
        knobs=(
            Knob(
                "length",
                "int",
                "number of keys and values",
                low=1,
                placed=True,
                gate=True,
                relative=("d", "f"),
                range="1..32 by x2",
            ),
            GATE,
            Knob(
                "network",
                "int",
                "hidden size of the network that makes them while they train (800 in MAM and AutoPEFT); 0: none",
                default=0,
                low=0,
            ),
            learning_rate("1e-3..3e-2 log"),
        ),
        placement="layer",
    )
    peft_type = "LAYER_PREFIX"
    # Wraps the whole attention module, so the matrices inside must have their adapters already.
    order = 3
    layer_class = PrefixLayer
    # A new prefix takes its share of the attention from the text at once.
    start = "differs"
    mergeable = False
    ours = True
    allows_dropping = False
    quantizations = ("4bit", "8bit")

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the attention module of the layer."""
        return (anatomy.attention_module(cell.layer),)

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> PrefixConfig:
        """Return a config over full module names."""
        lengths = {self.modules(cell, knobs, anatomy)[0]: knobs["length"] for cell, knobs in cells.items()}
        names = sorted(lengths)
        return PrefixConfig(
            target_modules=names,
            length=lengths[names[0]],
            length_pattern={name: lengths[name] for name in names},
            gate=shared_knob(cells, "gate"),
            network=shared_knob(cells, "network"),
        )

    @override
    def stored(self, knobs: Knobs) -> Knobs:
        """Return the knobs of a plain prefix, which has the keys and values that a network made."""
        return {**knobs, "network": 0}

    @override
    def stored_tensors(self, tuner: Any, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors of that plain prefix."""
        parts = (".layer_prefix_embedding", ".layer_prefix_network")
        stored = {name: value for name, value in tensors.items() if not any(part in name for part in parts)}
        for name, layer in tuner.model.named_modules():
            if isinstance(layer, PrefixLayer) and layer.made("default"):
                with torch.no_grad():
                    made = layer.pair("default")
                for bank, value in zip(("key", "value"), made, strict=True):
                    stored[f"base_model.model.{name.replace('.base_layer', '')}.layer_prefix_{bank}"] = value
        return stored
