"""Sparse updates: trained scalars at chosen positions of frozen matrices."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from peft import SupertuningConfig
from peft.tuners.supertuning.layer import SupertuningLayer
from peft.tuners.supertuning.model import SupertuningModel
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from torch import nn
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate, shared_knob
from autopeft.space.placement import Cell
from autopeft.space.shape import ROLES
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Sparse", "SparseConfig", "SparseTuner", "squared_gradients"]


@dataclass
class SparseConfig(SupertuningConfig):
    """Config of Super-Tuning with a number of scalars for each matrix."""

    density: float = field(default=0.001, metadata={"help": "Share of a matrix's weights that are trained."})
    count: int | None = field(default=None, metadata={"help": "Scalars of each matrix, instead of a density."})

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "SPARSE"


class SparseTuner(SupertuningModel):
    """PEFT tuner of sparse changes."""

    def _create_and_replace(
        self, peft_config: SparseConfig, adapter_name: str, target: Any, *args: Any, **kwargs: Any
    ) -> None:
        plain = target.get_base_layer() if isinstance(target, BaseTunerLayer) else target
        size = plain.weight.numel()
        count = peft_config.count or max(1, round(peft_config.density * size))
        if count > size:
            raise ValueError(f"{count} scalars of a matrix that has {size}")
        exact = copy.copy(peft_config)
        # Super-Tuning trains int(size * (1 - sparsity)) scalars.
        exact.sparsity = 1 - (count + 0.5) / size
        super()._create_and_replace(exact, adapter_name, target, *args, **kwargs)


class Sparse(Method):
    """A promised number of scalars of each matrix, chosen before training; PEFT's Super-Tuning carries them.

    Scalars are trained as changes of their own, so nothing else moves, whatever the weight decay, and the
    optimiser's state is of their size.
    """

    words = MethodWords(
        name="sparse",
        summary="trained scalars at chosen positions of frozen matrices",
        source="Guo et al. 2020, arXiv:2012.07463; Sung et al. 2021, arXiv:2111.09839",
        knobs=(
            Knob(
                "density",
                "float",
                "share of a matrix's weights that are trained, at least one",
                default=0.001,
                range="0.01%..1% log",
                low=1e-9,
                high=1.0,
                placed=True,
            ),
            Knob("count", "int", "scalars of each matrix, instead of a density", optional=True, low=1),
            Knob(
                "selector",
                "choice",
                "which: random, the largest weights, or those with the largest gradients on a few training batches",
                default="gradient",
                range="gradient | magnitude | random",
                choices=("random", "magnitude", "gradient"),
            ),
            Knob(
                "targets", "roles", "the matrices it changes", default=("q", "k", "v", "o", "up", "down"), choices=ROLES
            ),
            learning_rate("1e-4..1e-2 log"),
        ),
        alone=True,
    )
    peft_type = "SPARSE"
    order = 0
    layer_class = SupertuningLayer
    start: Start = "exact"
    mergeable = True
    ours = True

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the one matrix of the cell's role."""
        assert cell.role is not None
        return (anatomy.module(cell.layer, cell.role),)

    @override
    def parts(self, cells: Cells) -> list[Cells]:
        """Return the places by density."""
        groups: dict[Any, dict[Cell, Knobs]] = {}
        for cell, knobs in cells.items():
            groups.setdefault(knobs["density"], {})[cell] = knobs
        return list(groups.values())

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> SparseConfig:
        """Return a config over full module names."""
        names = sorted(name for cell, knobs in cells.items() for name in self.modules(cell, knobs, anatomy))
        density, count = shared_knob(cells, "density"), shared_knob(cells, "count")
        return SparseConfig(target_modules=names, density=density, count=count, save_precomputed_indices=True)

    @override
    def needs_batches(self, knobs: Knobs) -> bool:
        """Tell whether positions are chosen by gradients."""
        return knobs["selector"] == "gradient"

    @override
    def beyond_config(self, knobs: Knobs) -> dict[str, str]:
        """Return what a config does not bring: any choice but that of the largest weights, which is Super-Tuning's."""
        return {} if knobs["selector"] == "magnitude" else {"selector": "how it chooses positions"}

    @override
    def prepare(self, config: Any, model: nn.Module, cells: Cells, batches: Iterable[Mapping[str, Any]]) -> Any:
        """Return the squared gradients of the matrices over some batches."""
        return squared_gradients(model, config.target_modules, batches)

    @override
    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Choose the scalars of every matrix; Super-Tuning's own choice are the largest weights."""
        selector = shared_knob(cells, "selector")
        wanted = {self.modules(cell, knobs, anatomy)[0] for cell, knobs in cells.items()}
        for path, layer in tuner.model.named_modules():
            name = path.replace(".base_layer", "")
            if not isinstance(layer, SupertuningLayer) or name not in wanted:
                continue
            weight: Any = layer.get_base_layer().weight
            if selector == "random":
                scores = torch.rand(weight.numel(), device=weight.device)
            elif selector == "gradient" and prepared is not None:
                scores = prepared[name].flatten()
            else:
                continue
            count = layer.supertuning_values["default"].numel()
            layer.supertuning_indices["default"] = scores.topk(count).indices.to(torch.int32)


def squared_gradients(
    model: Any, names: Iterable[str], batches: Iterable[Mapping[str, torch.Tensor]]
) -> dict[str, torch.Tensor]:
    """Sum the squared gradients of some matrices over batches: the diagonal of the empirical Fisher information.

    Args:
        model: The model, with its head as it is; left as it was.
        names: Full names of the modules.
        batches: Inputs with labels.

    Returns:
        For each name, an fp32 tensor of the shape of its weight.
    """
    weights = {name: model.get_submodule(name).weight for name in names}
    before = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    sums = {name: torch.zeros_like(weight, dtype=torch.float32) for name, weight in weights.items()}
    try:
        for parameter, _ in before:
            parameter.requires_grad_(False)
        for weight in weights.values():
            weight.requires_grad_(True)
        for batch in batches:
            gradients = torch.autograd.grad(model(**batch).loss, list(weights.values()))
            for name, gradient in zip(weights, gradients, strict=True):
                sums[name] += gradient.float().square()
    finally:
        for parameter, requires_grad in before:
            parameter.requires_grad_(requires_grad)
    return sums
