"""LoRA: a trainable low-rank product beside a frozen matrix."""

from __future__ import annotations

from peft import LoraConfig
from peft.tuners.lora import LoraLayer
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, Knobs, Method
from autopeft.space.placement import Cell
from autopeft.space.shape import ROLES
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Lora"]


class Lora(Method):
    """LoRA (Hu et al., 2021): W + alpha / r * B A, with rank and alpha of their own for every matrix."""

    words = MethodWords(
        name="lora",
        summary="a trainable low-rank product beside a frozen matrix",
        source="Hu et al. 2021, arXiv:2106.09685",
        knobs=(
            Knob("rank", "int", "rank r of the product", low=1, placed=True, gate=True, relative=("d", "f")),
            Knob(
                "alpha",
                "float",
                "the product is scaled by alpha / r",
                default="2r",
                low=1e-6,
                placed=True,
                relative=("r",),
            ),
            Knob("targets", "roles", "the matrices it adapts", default=("q", "v"), choices=ROLES),
        ),
    )
    order = 0
    layer_class = LoraLayer
    identity_at_start = True
    mergeable = True

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the one matrix of the cell's role."""
        assert cell.role is not None
        return (anatomy.module(cell.layer, cell.role),)

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> LoraConfig:
        """Return a `LoraConfig` over full module names.

        Rank and alpha are both given by pattern: a pattern of ranks alone would leave alpha, and with it the
        scale alpha / r, to the global value.
        """
        named = {self.modules(cell, knobs, anatomy)[0]: knobs for cell, knobs in cells.items()}
        names = sorted(named)
        return LoraConfig(
            r=named[names[0]]["rank"],
            lora_alpha=named[names[0]]["alpha"],
            rank_pattern={name: named[name]["rank"] for name in names},
            alpha_pattern={name: named[name]["alpha"] for name in names},
            target_modules=names,
            lora_dropout=0.0,
            bias="none",
            fan_in_fan_out=anatomy.transposed,
        )
