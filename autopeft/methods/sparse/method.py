"""What all sparse methods share: where they sit, how many scalars they train, how they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from peft import PeftConfig
from peft.tuners.supertuning.layer import SupertuningLayer
from peft.tuners.tuners_utils import BaseTuner
from torch import Tensor
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, Knobs, Method, Start
from autopeft.methods.sparse.config import SparseConfig, alike
from autopeft.methods.sparse.layer import NAME, SparseLinear
from autopeft.space.placement import Cell
from autopeft.space.shape import ROLES
from autopeft.space.vocabulary import Knob

__all__ = ["SparseMethod", "density", "targets"]

#: What PEFT puts before the names of stored tensors that belong to a place.
_PLACED = "base_model.model."


def density(default: float = 0.001, *, placed: bool = True) -> Knob:
    """Return the knob of the share of weights that are trained."""
    return Knob(
        "density",
        "float",
        "share of a matrix's weights that are trained, at least one",
        default=default,
        range="0.01%..1% log",
        low=1e-9,
        high=1.0,
        placed=placed,
    )


#: The knob of the matrices that change.
targets = Knob("targets", "roles", "the matrices it changes", default=("q", "k", "v", "o", "up", "down"), choices=ROLES)


class SparseMethod(Method):
    """Scalars at some positions of frozen matrices, trained as changes of their own; Super-Tuning carries them.

    Nothing else moves, whatever the weight decay, and what the optimiser remembers is of their number. A system says
    which positions, and when they change.
    """

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
        knobs = next(iter(cells.values()))
        return SparseConfig(
            target_modules=self.names(cells, anatomy),
            density=knobs["density"],
            count=knobs.get("count"),
            save_precomputed_indices=True,
        )

    def names(self, cells: Cells, anatomy: Anatomy) -> list[str]:
        """Return the full names of the matrices, sorted."""
        return sorted(name for cell, knobs in cells.items() for name in self.modules(cell, knobs, anatomy))

    def layers(self, tuner: BaseTuner) -> list[tuple[str, SparseLinear]]:
        """Return the sparse layers of a tuner with the full names of their matrices, in the model's order."""
        # Not those of the config: of many names PEFT keeps their endings only.
        wanted = {name.replace(".base_layer", "") for name in tuner.targeted_module_names}
        return [
            (name, layer)
            for path, layer in tuner.model.named_modules()
            if isinstance(layer, SparseLinear) and (name := path.replace(".base_layer", "")) in wanted
        ]

    @override
    def optimiser_settings(self, tuner: BaseTuner, cells: Cells) -> dict[str, Any]:
        """Return that weight decay is that of the weights, at the positions that train."""
        layers = {layer.values: layer for _, layer in self.layers(tuner)}
        return {"origins": lambda parameter: layers[parameter].origin()}

    @override
    def stored_config(self, tuner: Any, cells: Cells, anatomy: Anatomy) -> PeftConfig:
        """Return PEFT's own config where it can say how many scalars each matrix has, or else ours."""
        layers = self.layers(tuner)
        counts = {name: len(layer.changes()[0]) for name, layer in layers}
        sizes = {name: layer.get_base_layer().weight.numel() for name, layer in layers}
        config = self.peft_config(cells, anatomy)
        ranks = {name: layer.supertuning_rank[NAME] for name, layer in layers if layer.supertuning_rank[NAME]}
        same_rank = config.r is not None or not ranks
        theirs = alike(config, sizes, counts) if same_rank else None
        if theirs is not None:
            return theirs
        config.counts, config.ranks = counts, None if same_rank else ranks
        return config

    @override
    def stored_tensors(self, tuner: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return all changes, also of positions that train no more."""
        stored = dict(tensors)
        for name, layer in self.layers(tuner):
            positions, values = layer.changes()
            stored[_key(name, "indices")] = positions.to(torch.int32)
            stored[_key(name, "values")] = values.detach()
        return stored

    @override
    def training_state(self, tuner: Any) -> dict[str, Tensor]:
        """Return which positions train, and what has settled."""
        state = {}
        for name, layer in self.layers(tuner):
            state[f"{name}.positions"] = layer.positions
            if layer.settled is not None:
                state[f"{name}.settled.positions"], state[f"{name}.settled.values"] = layer.settled
        return state

    @override
    def resume(self, tuner: Any, state: Mapping[str, Tensor]) -> None:
        """Let the same positions train as before."""
        for name, layer in self.layers(tuner):
            layer.place(state[f"{name}.positions"].to(layer.values.device))
            if f"{name}.settled.positions" in state:
                settled = (state[f"{name}.settled.{what}"] for what in ("positions", "values"))
                layer.settled = tuple(each.to(layer.values.device) for each in settled)  # type: ignore[assignment]

    @override
    def shape_as(self, tuner: Any, tensors: Mapping[str, Tensor]) -> None:
        """Give each matrix as many scalars as were stored of it."""
        for name, layer in self.layers(tuner):
            positions = tensors.get(_key(name, "indices"))
            if positions is not None:
                layer.place(positions.long().to(layer.values.device))
            first = tensors.get(_key(name, "lora_A.weight"))
            if first is not None and not layer.supertuning_rank[NAME]:
                layer.add_low_rank(len(first))


def _key(name: str, what: str) -> str:
    """Return the name of a stored tensor of a matrix."""
    return f"{_PLACED}{name}.supertuning_{what}"
