"""SPT: a low-rank product where a matrix is sensitive as a whole, single scalars elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from peft.tuners.tuners_utils import BaseTuner
from torch import nn
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, Knobs, learning_rate, shared_knob
from autopeft.methods.sparse.allocation import allocate
from autopeft.methods.sparse.method import SparseMethod, density, targets
from autopeft.methods.sparse.scores import gathered
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Spt"]


class Spt(SparseMethod):
    """Sensitivity-aware fine-tuning, over the matrices of layers.

    What is sensitive is told by squared gradients over a few training batches. The budget is met exactly, where the
    release (ziplab/SPT) takes the nearest of a sweep; the products have no factor, and dropout on what goes into them.
    """

    words = MethodWords(
        name="spt",
        summary="low-rank products where a matrix is sensitive as a whole, single scalars elsewhere",
        source="He et al. 2023, arXiv:2303.08566",
        knobs=(
            density(placed=False),
            Knob("rank", "int", "rank of the products", default=8, range="2..16 by x2", low=1, relative=("d",)),
            Knob(
                "dense",
                "float",
                "share of a matrix's weights among the sensitive ones from which on it gets a product",
                default=0.1,
                low=0.0,
                high=2.0,
            ),
            Knob("dropout", "float", "dropout of what goes into the products", default=0.1, low=0.0, high=0.95),
            targets,
            learning_rate("1e-4..1e-2 log"),
        ),
        alone=True,
    )
    sees_gradients = True
    compressible = False

    @override
    def needs_batches(self, knobs: Knobs) -> bool:
        """Tell that sensitivity is measured."""
        return True

    @override
    def prepare(self, config: Any, model: nn.Module, cells: Cells, batches: Iterable[Mapping[str, Any]]) -> Any:
        """Return the squared gradients of the matrices over some batches."""
        return gathered(model, config.target_modules, batches)

    @override
    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Spend the budget; without batches it is spent on scalars alone."""
        if prepared is None:
            return
        layers = dict(self.layers(tuner))
        budget = sum(len(layer.values) for layer in layers.values())
        rank = shared_knob(cells, "rank")
        found = allocate({name: prepared[name] for name in layers}, budget, rank, shared_knob(cells, "dense"))
        for name, layer in layers.items():
            layer.place(found.scalars.get(name, layer.positions[:0]))
            layer.values.requires_grad_(len(layer.values) > 0)
            if name in found.low_rank:
                layer.add_low_rank(rank, shared_knob(cells, "dropout"))

    @override
    def optimiser_settings(self, tuner: BaseTuner, cells: Cells) -> dict[str, Any]:
        """Return that nothing decays, as the release's scalars do not."""
        return {"weight_decay": 0.0}
