"""Queries that gather what all tokens say and hand it back to them behind a gate (Q-Adapter)."""

from __future__ import annotations

from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.bottleneck_config import SIZE
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate, shared_knob
from autopeft.methods.q_adapter_layer import QAdapterConfig, QAdapterLayer
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["QAdapter"]


class QAdapter(Method):
    """Cross-attention of learned queries, and back, behind a layer; reconstructed, for no code of it is known.

    With x, `tokens x d`, what comes out of the layer, and h = x D of b features, learned queries q, `queries x b`,
    gather z = softmax(q W_q (h W_k)ᵀ / √b) h W_v from all tokens. These read it back, y = softmax(h zᵀ / √b) z, and
    x becomes x + tanh(γ) y U. There are no biases and no heads; a place has 2db + 3b² + queries * b + 1 parameters.

    The gate γ starts at zero, so that the model is unchanged at step 0, where it alone has a gradient: all else learns
    from the second step on. Matrices start as torch's own, and queries from N(0, 1): smaller ones would gather all the
    same mean.

    What it makes of a text depends on the padding beside it, and a token sees those after it.
    """

    words = MethodWords(
        name="q_adapter",
        summary="learned queries gather what all tokens say and hand it back to them, behind each layer",
        source="Chen et al. 2025, arXiv:2510.10022 (reconstructed)",
        knobs=(
            SIZE,
            Knob("queries", "int", "number of learned queries", default=16, low=1, range="4..64 by x2"),
            learning_rate("1e-4..1e-2 log"),
        ),
        placement="layer",
        # ShadowPEFT goes beside whole layers, and takes their places.
        excludes=frozenset({"shadow"}),
    )
    peft_type = "Q_ADAPTER"
    # Wraps whole layers, with all that is in them and beside them.
    order = 6
    layer_class = QAdapterLayer
    start: Start = "exact"
    mergeable = False
    quantizations = ("4bit", "8bit")
    ours = True
    allows_dropping = False
    stepwise = False

    @override
    def sees_padding(self, knobs: Knobs) -> bool:
        """Return True: queries read all tokens."""
        return True

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the layer."""
        return (anatomy.layer(cell.layer),)

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> QAdapterConfig:
        """Return a config over full module names."""
        sizes = {anatomy.layer(cell.layer): knobs["size"] for cell, knobs in cells.items()}
        names = sorted(sizes)
        return QAdapterConfig(
            target_modules=names,
            size=sizes[names[0]],
            size_pattern={name: sizes[name] for name in names},
            queries=shared_knob(cells, "queries"),
            input_modules={anatomy.layer(cell.layer): anatomy.module(cell.layer, "up") for cell in cells},
        )
