"""DSEE's update: a low-rank product and a few scalars where a low rank leaves most of the weight."""

from __future__ import annotations

from typing import Any

from peft.tuners.tuners_utils import BaseTuner
from torch import nn
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.lora import ALPHA
from autopeft.methods.method import Cells, Knobs, learning_rate, shared_knob
from autopeft.methods.peft_method import rank
from autopeft.methods.sparse.choosing import best
from autopeft.methods.sparse.config import SparseConfig
from autopeft.methods.sparse.layer import NAME
from autopeft.methods.sparse.method import SparseMethod
from autopeft.methods.sparse.scores import SCORES
from autopeft.space.placement import Cell
from autopeft.space.shape import ROLES
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Dsee"]

#: Standard deviation of the first factor's start (VITA-Group/DSEE @61844c3).
_SPREAD = 0.02


class Dsee(SparseMethod):
    """The weight plus alpha / r times the sum of a low-rank product and scalars at N positions.

    Scalars are stored without the factor, which Adam's steps do not know of: they train at alpha / r times the learning
    rate instead. The pruning that the paper goes on with is not part of it.
    """

    words = MethodWords(
        name="dsee",
        summary="a low-rank product and a few scalars, where a low rank leaves most of the weight",
        source="Chen et al. 2021, arXiv:2111.00160",
        knobs=(
            rank("2..64 by x2"),
            ALPHA,
            Knob("count", "int", "scalars of each matrix", default=64, range="16..1024 by x2", low=1, placed=True),
            Knob(
                "positions",
                "choice",
                "where they are: " + "; ".join(f"`{name}`, {SCORES[name].says}" for name in ("residual", "random")),
                default="residual",
                choices=("residual", "random", "magnitude"),
            ),
            Knob("targets", "roles", "the matrices it changes", default=("q", "v"), choices=ROLES),
            learning_rate("1e-4..1e-2 log"),
        ),
        alone=True,
    )

    @override
    def parts(self, cells: Cells) -> list[Cells]:
        """Return the places by rank, scale and number of scalars."""
        groups: dict[Any, dict[Cell, Knobs]] = {}
        for cell, knobs in cells.items():
            groups.setdefault((knobs["rank"], knobs["alpha"], knobs["count"]), {})[cell] = knobs
        return list(groups.values())

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> SparseConfig:
        """Return Super-Tuning's config with a low rank."""
        return SparseConfig(
            target_modules=self.names(cells, anatomy),
            count=shared_knob(cells, "count"),
            r=shared_knob(cells, "rank"),
            lora_alpha=shared_knob(cells, "alpha"),
            save_precomputed_indices=True,
        )

    @override
    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Choose the positions, and draw the first factor as the release does."""
        score = SCORES[shared_knob(cells, "positions")]
        for _, layer in self.layers(tuner):
            first: Any = layer.supertuning_lora_A[NAME]
            if not layer.values.is_meta:
                nn.init.normal_(first.weight, std=_SPREAD)
                layer.place(best(score.of(layer.get_base_layer().weight, None), len(layer.values)))

    @override
    def rate_factors(self, cells: Cells) -> dict[str, float]:
        """Return the factor that the paper has before the scalars."""
        return {"supertuning_values": shared_knob(cells, "alpha") / shared_knob(cells, "rank")}

    @override
    def optimiser_settings(self, tuner: BaseTuner, cells: Cells) -> dict[str, Any]:
        """Return nothing: weight decay pulls changes towards 0."""
        return {}
