"""Methods that train vectors: scales, biases, norms."""

from __future__ import annotations

from peft import IA3Config, LNTuningConfig, PeftConfig
from peft.tuners.ln_tuning.layer import LNTuningLayer
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, Knobs, Method, learning_rate
from autopeft.methods.peft_method import PeftMethod
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import MethodWords

__all__ = ["VECTORS"]


class IA3(PeftMethod):
    """IA3 scales keys, values and the feed-forward network's inner activations."""

    def __init__(self) -> None:
        super().__init__(
            "ia3",
            "IA3",
            "trained scales of keys, values and the feed-forward network's inner activations",
            "Liu et al. 2022, arXiv:2205.05638",
            fixed={"feedforward_modules": []},
            targets=("k", "v", "down"),
            rates="1e-3..1e-1 log",
            alone=False,
            quantizations=("4bit", "8bit"),
            order=1,
        )

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> PeftConfig:
        """Return a config that scales the inputs of `down`, the outputs of the other roles."""
        config: IA3Config = super().peft_config(cells, anatomy)
        config.feedforward_modules = {anatomy.module(cell.layer, cell.role) for cell in cells if cell.role == "down"}
        return config


class LNTuning(Method):
    """Training the norms of a layer (and nothing else)."""

    words = MethodWords(
        name="ln_tuning",
        summary="the norms of a layer, trained themselves",
        source="Zhao et al. 2023, arXiv:2312.11420",
        knobs=(learning_rate("1e-3..1e-1 log"),),
        placement="layer",
    )
    peft_type = "LN_TUNING"
    order = 0
    layer_class = LNTuningLayer
    start = "exact"
    mergeable = True
    quantizations = ("4bit", "8bit")

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the norms of the layer."""
        return anatomy.norms(cell.layer)

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> LNTuningConfig:
        """Return a config over full module names."""
        return LNTuningConfig(target_modules=sorted(name for cell in cells for name in anatomy.norms(cell.layer)))


VECTORS = (
    IA3(),
    LNTuning(),
    PeftMethod(
        "beft",
        "BEFT",
        "a trained bias added to the output of matrices; PEFT folds it only into a bias that is there",
        "arXiv:2509.15974",
        targets=("v",),
        rates="1e-3..1e-1 log",
        mergeable=False,
        alone=False,
        quantizations=("4bit", "8bit"),
        order=1,
    ),
)
