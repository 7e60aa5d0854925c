"""Scaled parallel bottleneck adapters on the feed-forward sublayer."""

from __future__ import annotations

from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.bottleneck import ParallelAdapterLayer
from autopeft.methods.bottleneck_config import ACTIVATIONS, FORM, RATES, SIZE, ParallelAdapterConfig
from autopeft.methods.method import Cells, Knobs, Method, learning_rate, shared_knob
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["ParallelAdapter"]


class ParallelAdapter(Method):
    """A bottleneck beside the feed-forward sublayer: reads its input, adds to its output."""

    words = MethodWords(
        name="parallel_adapter",
        summary="a scaled bottleneck beside the feed-forward sublayer",
        source="He et al. 2021, arXiv:2110.04366",
        knobs=(
            SIZE,
            Knob("scale", "float", "factor of what the adapter adds", default=4.0, low=1e-6),
            Knob("activation", "choice", "its nonlinearity", default="relu", choices=tuple(ACTIVATIONS)),
            *FORM,
            learning_rate(RATES),
        ),
        placement="layer",
    )
    peft_type = "PARALLEL_ADAPTER"
    order = 1
    layer_class = ParallelAdapterLayer
    start = "exact"
    mergeable = False
    ours = True
    quantizations = ("4bit", "8bit")

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the matrix whose output it adds to, then the one whose input it reads."""
        return anatomy.module(cell.layer, "down"), anatomy.module(cell.layer, "up")

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> ParallelAdapterConfig:
        """Return a config over full module names."""
        sizes, inputs = {}, {}
        for cell, knobs in sorted(cells.items(), key=lambda item: item[0].layer):
            name, inputs_of = self.modules(cell, knobs, anatomy)
            sizes[name], inputs[name] = knobs["size"], inputs_of
        return ParallelAdapterConfig(
            target_modules=sorted(sizes),
            size=next(iter(sizes.values())),
            size_pattern=sizes,
            input_modules=inputs,
            scale=shared_knob(cells, "scale"),
            activation=shared_knob(cells, "activation"),
            **{knob.name: shared_knob(cells, knob.name) for knob in FORM},
        )
