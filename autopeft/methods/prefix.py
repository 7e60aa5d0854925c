"""Prefix tuning with a length of its own for every layer."""

from __future__ import annotations

from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.gate import GATE
from autopeft.methods.method import Cells, Knobs, Method, learning_rate, shared_knob
from autopeft.methods.prefix_layer import PrefixConfig, PrefixLayer
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Prefix"]


class Prefix(Method):
    """Trainable keys and values in front of the text, without reparametrisation (as P-tuning v2)."""

    words = MethodWords(
        name="prefix",
        summary="trainable keys and values in front of the text, in the attention",
        source="Li and Liang 2021, arXiv:2101.00190; Liu et al. 2021, arXiv:2110.07602",
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
        )
