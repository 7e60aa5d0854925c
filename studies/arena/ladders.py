"""What a clever colleague would try by hand: stock LoRA at several ranks, in all layers or in the top ones alone."""

from __future__ import annotations

from collections.abc import Mapping

from autopeft.methods import STOCK_LEARNING_RATE, VOCABULARY
from autopeft.space import Configuration
from autopeft.space.canonical import canonical
from autopeft.space.shape import BackboneShape

__all__ = ["LADDERS", "ladders"]

#: Names of the ladders.
LADDERS = ("ladder", "ladder-top")

_RANKS = (1, 2, 4, 8, 16, 32)

#: Learning rates as multiples of stock LoRA's.
_RATES = (1.0, 2.5)

#: Of all layers so large a share is the top.
_TOP = 1 / 3


def ladders(shape: BackboneShape, rate: float = STOCK_LEARNING_RATE) -> Mapping[str, list[Configuration]]:
    """Return the rungs of each ladder, in order: all ranks at one learning rate, then at the other.

    Args:
        shape: The backbone.
        rate: Peak learning rate of stock LoRA on it.
    """
    top = [*range(shape.layers - max(1, round(_TOP * shape.layers)), shape.layers)]

    def rung(rank: int, factor: float, layers: object) -> Configuration:
        lora = {"rank": rank, "alpha": 2.0 * rank, "targets": ["q", "v"], "layers": layers}
        written = {"modules": {"lora": lora}, "training": {"learning_rate": factor * rate}}
        return canonical(written, VOCABULARY, shape)

    return {
        name: [rung(rank, factor, layers) for factor in _RATES for rank in _RANKS]
        for name, layers in zip(LADDERS, ("all", top), strict=True)
    }
