"""LocFT-BF: one matrix of one layer, trained itself by rules of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTuner
from torch import Tensor
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, Knobs, learning_rate, shared_knob
from autopeft.methods.moment import Moment
from autopeft.methods.optimiser import AdapterAdamW
from autopeft.methods.whole_parts import Whole
from autopeft.space.placement import Cell
from autopeft.space.shape import ROLES
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["LocFt"]

#: Counted while it trains: the epoch, its losses and their number, batches left out, whether training is over.
_EPOCH, _LOSSES, _BATCHES, _SKIPPED, _OVER = range(5)


class LocFt(Whole):
    """Localised fine-tuning in breadth: batches of all examples, epoch by epoch, one matrix.

    As in the release (ICT-STAR/LocFT), batches of little loss are left out but count in the mean of their epoch, after
    an epoch whose mean is little nothing trains any more, and nothing decays. The matrix is found by its exact name and
    trained in fp32.
    """

    words = MethodWords(
        name="locft",
        summary="one matrix of one layer, trained itself until the loss is little",
        source="Yang et al. 2025, arXiv:2509.22072",
        knobs=(
            Knob(
                "depth",
                "float",
                "where the layer lies on the way from the first (0) to the last (1)",
                default=0.7,
                range="0.2 | 0.4 | 0.6 | 0.8 | 1.0",
                low=0.0,
                high=1.0,
            ),
            Knob("role", "choice", "which matrix of the layer", default="down", choices=ROLES),
            Knob("little", "float", "the loss below which there is nothing to learn", default=0.01, low=0.0),
            learning_rate("5e-5..5e-3 log"),
        ),
        placement="model",
        excludes=frozenset({"full_layers"}),
    )

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the one matrix."""
        return (anatomy.module(round(knobs["depth"] * (anatomy.count - 1)), knobs["role"]),)

    @override
    def optimiser_settings(self, tuner: BaseTuner, cells: Cells) -> dict[str, Any]:
        """Return that nothing decays."""
        return {"weight_decay": 0.0}

    @override
    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Freeze the bias; begin to count."""
        (name,) = (name for cell, knobs in cells.items() for name in self.modules(cell, knobs, anatomy))
        for key, parameter in tuner.model.get_submodule(name).trained_copy.named_parameters():
            parameter.requires_grad_(key.endswith(".weight"))
        tuner.autopeft_counts = torch.zeros(5, dtype=torch.float64)

    @override
    def before_backward(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Look back where an epoch has ended."""
        counts = tuner.autopeft_counts
        if moment.epoch > counts[_EPOCH]:
            mean = counts[_LOSSES] / counts[_BATCHES].clamp(min=1)
            counts[_OVER] = max(float(counts[_OVER]), float(mean < shared_knob(cells, "little")))
            counts[_EPOCH], counts[_LOSSES], counts[_BATCHES] = moment.epoch, 0.0, 0.0

    @override
    def after_backward(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Leave the step out where there is nothing to learn."""
        assert moment.loss is not None
        assert isinstance(moment.optimiser, AdapterAdamW)
        loss, counts = float(moment.loss), tuner.autopeft_counts
        counts[_LOSSES] += loss
        counts[_BATCHES] += 1
        if counts[_OVER] or loss < shared_knob(cells, "little"):
            counts[_SKIPPED] += 1
            moment.optimiser.leave_out()

    @override
    def training_state(self, tuner: Any) -> dict[str, Tensor]:
        """Return what was counted."""
        return {"counts": tuner.autopeft_counts}

    @override
    def resume(self, tuner: Any, state: Mapping[str, Tensor]) -> None:
        """Go on counting."""
        tuner.autopeft_counts = state["counts"].clone()
