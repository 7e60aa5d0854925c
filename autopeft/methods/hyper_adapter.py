"""Bottleneck adapters whose matrices are generated, or scaled from templates that all layers share (Polyhistor)."""

from __future__ import annotations

from peft.tuners.tuners_utils import BaseTuner
from torch import nn
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.bottleneck_config import RATES
from autopeft.methods.hyper_adapter_layer import HyperAdapterConfig, HyperAdapterLayer, HyperAdapterTuner
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate, shared_knob
from autopeft.methods.telling import TASKS
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["HyperAdapter"]


class HyperAdapter(Method):
    """Polyhistor's adapters, and those of Polyhistor-Lite; reconstructed, for no code of them is known.

    To the output y of a feed-forward sublayer, before residual and norm, is added gelu(y D) U. In every layer D and U
    are Kronecker products of the layer's own kernel K, `s x s`, with two templates that all layers share,
    `d/s x n/s` and `n/s x d/s`, where n is the size and s that of the kernel. Of wider stages a kernel makes wider
    matrices in the paper; in a backbone of one width it says how much smaller than them the templates are.

    Each template is a product of two factors of r columns, r the rank, which linear maps without biases generate out of
    an embedding of the task, k numbers. Where several tasks are trained together (`mixture: joint`), `tasks` says how
    many: each then has an embedding, maps and kernels are those of all, and the adapters of an example are those of its
    task, of which the model is told (`autopeft.methods.telling`). Lite has the templates themselves in place of maps
    and embedding.

    One factor of U, or in Lite U, starts at zero, so that the model is unchanged at step 0. Kernels start as
    identities, D's template with a variance of one over its rows. The embedding of one task, which has no other to
    differ from, starts as ones; those of several are drawn around ones, with a standard deviation of 0.1.

    Of N tasks there are 2kr(d + n) / s + Ls² + Nk parameters in L layers, in Lite 2dn / s² + Ls². The templates are
    stored with the lowest layer.
    """

    words = MethodWords(
        name="hyper_adapter",
        summary="bottleneck adapters made of templates that all layers share, scaled by a kernel of each",
        source="Liu et al. 2022, arXiv:2210.03265 (reconstructed)",
        knobs=(
            Knob("size", "int", "size of the bottleneck, n", low=1, relative=("d", "f"), range="d/64..d/4 by x2"),
            Knob("kernel", "int", "size of the kernels, which divides n and d", default=2, low=1, range="1 | 2 | 4"),
            Knob("lite", "bool", "whether templates train as they are, and none is generated", default=False),
            Knob("rank", "int", "inner size of the factors", default=4, low=1, range="2..16 by x2"),
            Knob("embedding", "int", "size of the task's embedding, k", default=8, low=1),
            Knob(
                TASKS,
                "int",
                "how many tasks have an embedding each: as many as mixture: joint trains on, or 1",
                default=1,
                low=1,
            ),
            learning_rate(RATES),
        ),
        placement="layer",
    )
    peft_type = "HYPER_ADAPTER"
    order = 2
    layer_class = HyperAdapterLayer
    start: Start = "exact"
    mergeable = False
    quantizations = ("4bit", "8bit")
    ours = True
    joint = True
    # Without the lowest layer's, where the templates are, those of the others are none.
    schedulable = False

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the last matrix of the feed-forward sublayer."""
        return (anatomy.module(cell.layer, "down"),)

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> HyperAdapterConfig:
        """Return a config over full module names."""
        names = [anatomy.module(layer, "down") for layer in sorted(cell.layer for cell in cells)]
        return HyperAdapterConfig(
            target_modules=sorted(names),
            lowest=names[0],
            size=shared_knob(cells, "size"),
            kernel=shared_knob(cells, "kernel"),
            lite=shared_knob(cells, "lite"),
            rank=shared_knob(cells, "rank"),
            embedding=shared_knob(cells, "embedding"),
            tasks=shared_knob(cells, TASKS),
        )

    @override
    def extract(self, tuner: BaseTuner, model: nn.Module) -> None:
        """Take out of the model what was told of tasks."""
        assert isinstance(tuner, HyperAdapterTuner)
        tuner.stop_listening(model)
