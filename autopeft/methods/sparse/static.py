"""Sparse updates whose positions are chosen once, before training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from peft.tuners.tuners_utils import BaseTuner
from torch import Tensor, nn
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, Knobs, learning_rate, shared_knob
from autopeft.methods.sparse.choosing import best, best_of_all
from autopeft.methods.sparse.method import SparseMethod, density, targets
from autopeft.methods.sparse.scores import SCORES, gathered
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Sparse"]


class Sparse(SparseMethod):
    """A promised number of scalars, chosen before training by a score."""

    words = MethodWords(
        name="sparse",
        summary="trained scalars at chosen positions of frozen matrices",
        source="Guo et al. 2020, arXiv:2012.07463; Sung et al. 2021, arXiv:2111.09839",
        knobs=(
            density(),
            Knob("count", "int", "scalars of each matrix, instead of a density", optional=True, low=1),
            Knob(
                "selector",
                "choice",
                "which: " + "; ".join(f"`{name}`, {score.says}" for name, score in SCORES.items()),
                default="gradient",
                range="gradient | magnitude | random",
                choices=tuple(SCORES),
            ),
            Knob(
                "scope",
                "choice",
                "whether each matrix has its share of them, or all matrices of a density choose together",
                default="matrix",
                choices=("matrix", "global"),
            ),
            targets,
            learning_rate("1e-4..1e-2 log"),
        ),
        alone=True,
    )

    @override
    def can_be_compressed(self, knobs: Knobs) -> bool:
        """Tell that how many scalars each matrix has is known, unless all are ranked together."""
        return bool(knobs["scope"] == "matrix")

    @override
    def needs_batches(self, knobs: Knobs) -> bool:
        """Tell whether positions are chosen by gradients."""
        return SCORES[knobs["selector"]].gathers is not None

    @override
    def beyond_config(self, knobs: Knobs) -> dict[str, str]:
        """Return what a config does not bring: any choice but that of the largest weights, which is Super-Tuning's."""
        return {} if self._as_peft(knobs) else {"selector": "how it chooses positions"}

    @staticmethod
    def _as_peft(knobs: Knobs) -> bool:
        return knobs["selector"] == "magnitude" and knobs["scope"] == "matrix"

    @override
    def prepare(self, config: Any, model: nn.Module, cells: Cells, batches: Iterable[Mapping[str, Any]]) -> Any:
        """Return what is gathered of the matrices' gradients over some batches."""
        power = SCORES[shared_knob(cells, "selector")].gathers
        assert power is not None
        return gathered(model, config.target_modules, batches, power)

    @override
    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Choose the scalars; Super-Tuning's own choice are the largest weights of each matrix."""
        knobs = next(iter(cells.values()))
        if self._as_peft(knobs) or (self.needs_batches(knobs) and prepared is None):
            return
        layers = dict(self.layers(tuner))
        if any(layer.values.is_meta for layer in layers.values()):
            return
        score = SCORES[knobs["selector"]]

        def scores(name: str) -> Tensor:
            found: Tensor = score.of(layers[name].get_base_layer().weight, (prepared or {}).get(name))
            return found

        if knobs["scope"] == "matrix":
            for name, layer in layers.items():
                layer.place(best(scores(name), len(layer.values)))
            return
        total = sum(len(layer.values) for layer in layers.values())
        for name, chosen in best_of_all({name: scores(name) for name in layers}, total).items():
            layers[name].place(chosen)
            layers[name].values.requires_grad_(len(chosen) > 0)
