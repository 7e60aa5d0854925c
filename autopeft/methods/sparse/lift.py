"""LIFT: the weights train that are large once a matrix is smoothed by a low rank, chosen anew now and then."""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTuner
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, Knobs, learning_rate, shared_knob
from autopeft.methods.moment import Moment
from autopeft.methods.peft_method import rank
from autopeft.methods.sparse.choosing import best
from autopeft.methods.sparse.config import SparseConfig
from autopeft.methods.sparse.layer import SparseLinear
from autopeft.methods.sparse.low_rank import smoothed
from autopeft.methods.sparse.method import SparseMethod, targets
from autopeft.methods.sparse.resizing import exchange
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Lift"]


class Lift(SparseMethod):
    """Low-rank informed sparse fine-tuning: of each matrix as many weights as LoRA of a rank has.

    Chosen are the largest of its best approximation by a matrix of rank q, before training and every R steps, as the
    matrix then is. What stays chosen keeps Adam's moments, newcomers begin without, the step counter is shared; what is
    no longer chosen keeps its change and trains no more (zihanghliu/LIFT, `sparseAdam.py`).
    """

    words = MethodWords(
        name="lift",
        summary="the scalars that are largest in a low-rank approximation of the matrix, chosen anew now and then",
        source="Liu et al. 2025, arXiv:2506.00772",
        knobs=(
            rank("1..16 by x2", help="as many scalars train as LoRA of this rank has parameters"),
            Knob(
                "approximation",
                "int",
                "rank of the approximation",
                default=32,
                range="8..128 by x2",
                low=1,
                relative=("d",),
            ),
            Knob("every", "int", "steps between two choices", default=200, range="10..200 by x2", low=1),
            targets,
            learning_rate("1e-5..2e-3 log"),
        ),
        alone=True,
    )
    compressible = False

    @override
    def parts(self, cells: Cells) -> list[Cells]:
        """Return the places by rank."""
        groups: dict[Any, dict[Cell, Knobs]] = {}
        for cell, knobs in cells.items():
            groups.setdefault(knobs["rank"], {})[cell] = knobs
        return list(groups.values())

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> SparseConfig:
        """Return a config that has as many scalars of each matrix as LoRA has."""
        return SparseConfig(
            target_modules=self.names(cells, anatomy), rank=shared_knob(cells, "rank"), save_precomputed_indices=True
        )

    @override
    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Choose the first scalars."""
        for _, layer in self.layers(tuner):
            if not layer.values.is_meta:
                layer.place(self._choice(layer, cells))

    @override
    def optimiser_settings(self, tuner: BaseTuner, cells: Cells) -> dict[str, Any]:
        """Return the release's settings of Adam, which has no weight decay."""
        return {"betas": (0.9, 0.95), "eps": 1e-6, "weight_decay": 0.0}

    @override
    def after_step(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Choose anew before every R-th step: first after step R - 1."""
        every = shared_knob(cells, "every")
        if (moment.step + 1) % every or moment.step == moment.steps:
            return
        for _, layer in self.layers(tuner):
            _refresh(layer, self._choice(layer, cells), moment)

    @staticmethod
    def _choice(layer: SparseLinear, cells: Cells) -> torch.Tensor:
        return best(smoothed(layer.weight_now, shared_knob(cells, "approximation")).abs(), len(layer.values))


def _refresh(layer: SparseLinear, chosen: torch.Tensor, moment: Moment) -> None:
    """Let the chosen positions train and the others settle; every change that there is stays."""
    before, changes = layer.changes()
    changes = changes.detach()
    leaving = ~torch.isin(before, chosen) & (changes != 0)
    training = layer.positions
    kept = torch.isin(training, chosen).nonzero().flatten()
    added = chosen[~torch.isin(chosen, training)]
    dense = torch.zeros(layer.get_base_layer().weight.numel(), device=changes.device).index_put_((before,), changes)
    exchange(layer, moment.optimiser, kept, added, values=dense[added])
    layer.settled = before[leaving], changes[leaving]
