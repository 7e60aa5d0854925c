"""Queries that read the layers for the task head and leave them as they are (VQT)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate, shared_knob
from autopeft.methods.vqt_head import NAME
from autopeft.methods.vqt_layer import VqtConfig, VqtLayer
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Vqt"]

#: With this bias, that of the release, each of many classes begins at odds of one to ninety-nine.
_BIAS = -math.log(99)


class Vqt(Method):
    """Visual query tuning (sections 3.2 and 3.3), as the authors' code has it.

    Every layer that it is placed in has queries P, `queries x d`, of its own. They go through the layer as tokens do,
    with its norms, residuals and feed-forward part; their attention is over the layer's own tokens, which do not see
    them. What comes out is divided by its norm, all queries of a layer together, and goes to the task head only: not
    into the next layer, and not through the norm behind the layers. The last linear layer of the head reads it beside
    what it always reads, which is divided by its norm too: a ViT's CLS token behind the last norm, BERT's behind its
    pooler, a mean over patches or frames. So hidden states and the backbone's part of memory stay as they are.

    P starts uniform within ±sqrt(6 / (3p² + d)), where p is the size of a patch; without patches d stands for 3p², for
    the two are one in a ViT-B. In trials the head starts normal, with a variance of 2 over its number of outputs, and
    biases of -log 99 where it has several, unless the kind of task begins with others.

    A place has queries * d parameters. Those that the head has more, queries * d for each of its outputs, count as the
    head's: they train at its rate, are saved with it and are no part of a budget; `autopeft cost` tells of them.

    The release tries rates of 0.5 to 0.025 for Adam with batches of 128, over 100 epochs. What is searched here is
    that, divided by four: in proportion to batches of 32.
    """

    words = MethodWords(
        name="vqt",
        summary="queries that read each layer for the task head, which reads more for it",
        source="Tu et al. 2022, arXiv:2212.03220",
        knobs=(
            Knob(
                "queries",
                "int",
                "number of queries in a layer",
                low=1,
                placed=True,
                gate=True,
                relative=("d", "f"),
                range="1 | 5 | 10 | 20",
            ),
            Knob(
                "dropout", "float", "share of their numbers left out while they train", default=0.1, low=0.0, high=0.9
            ),
            learning_rate("6e-3..1.25e-1 log"),
        ),
        placement="layer",
        # Queries are no neighbours of each other; ShadowPEFT takes the places of whole layers.
        excludes=frozenset({"conv_adapter", "shadow"}),
    )
    peft_type = "VQT"
    # Wraps whole layers, with what is put into them; what goes on beside layers reads their own tokens only.
    order = 4
    layer_class = VqtLayer
    start: Start = "differs"
    mergeable = False
    ours = True
    allows_dropping = False
    suppressible = False
    reads_out = True

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the layer."""
        return (anatomy.layer(cell.layer),)

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> VqtConfig:
        """Return a config over full module names."""
        if not anatomy.head:
            raise ValueError(
                "the model has no task head that reads one vector of an input, to which queries could add; expected "
                "another method"
            )
        layers = {cell.layer: knobs["queries"] for cell, knobs in sorted(cells.items(), key=lambda item: item[0].layer)}
        counts = {anatomy.layer(layer): count for layer, count in layers.items()}
        return VqtConfig(
            target_modules=sorted(counts),
            order=list(counts),
            queries=next(iter(counts.values())),
            queries_pattern=counts,
            dropout=shared_knob(cells, "dropout"),
            attention_modules={anatomy.layer(layer): anatomy.attention_module(layer) for layer in layers},
            input_modules={anatomy.layer(layer): anatomy.module(layer, "up") for layer in layers},
            head_module=anatomy.head,
        )

    @override
    def in_head(self, tuner: Any) -> list[nn.Parameter]:
        """Return what the head reads the queries with."""
        return [value for name, value in tuner.model.named_parameters() if name.endswith(f".{NAME}")]

    @override
    def head_inputs(self, knobs: Knobs, hidden: int) -> int:
        """Return how many numbers the queries of a layer give to the head."""
        count: int = knobs["queries"]
        return count * hidden

    @override
    def start_head(self, head: Mapping[str, nn.Parameter], generator: torch.Generator) -> None:
        """Draw the last linear layer of the head as the release does."""
        nn.init.kaiming_normal_(head["weight"], mode="fan_out", generator=generator)
        if "bias" in head and len(head["bias"]) > 1:
            nn.init.constant_(head["bias"], _BIAS)
