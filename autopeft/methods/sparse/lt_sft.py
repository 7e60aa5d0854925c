"""LT-SFT: the weights that full fine-tuning moves most are trained again from where they began, the others not."""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTuner
from torch import Tensor, nn
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, learning_rate, shared_knob
from autopeft.methods.moment import TrainBeforehand
from autopeft.methods.sparse.choosing import best_of_all
from autopeft.methods.sparse.layer import SparseLinear
from autopeft.methods.sparse.method import SparseMethod, density, targets
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["LtSft"]


class LtSft(SparseMethod):
    """Lottery-ticket sparse fine-tuning, over the matrices of layers.

    The matrices are trained as a whole; those weights are chosen, of all matrices together, that have moved most; all
    is put back, the head too, and what was chosen is trained. Of several iterations each adds its share of the weights,
    begins where the one before has ended, and goes back no further. The number of weights is kept whatever ties there
    are (the release, cambridgeltl/composable-sft @29f7872, opens all of them when few have moved).
    """

    words = MethodWords(
        name="lt_sft",
        summary="the scalars that full fine-tuning of the matrices moves most, trained again from where they began",
        source="Ansell et al. 2022, arXiv:2110.07560",
        knobs=(
            density(0.01, placed=False),
            Knob(
                "dense",
                "float",
                "length of the dense training, as a share of the sparse one that follows",
                default=1.0,
                low=0.01,
                high=10.0,
            ),
            Knob("iterations", "int", "how often scalars are added", default=1, low=1, high=10),
            Knob("l1", "float", "weight of the mean absolute change in the loss", default=0.0, low=0.0),
            targets,
            learning_rate("1e-5..1e-3 log"),
        ),
        alone=True,
    )
    dense = True
    compressible = False

    @override
    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Remember how many scalars there are."""
        tuner.autopeft_total = sum(len(layer.values) for _, layer in self.layers(tuner))

    @override
    def beforehand(self, tuner: BaseTuner, cells: Cells, train: TrainBeforehand) -> None:
        """Find out which weights move, and choose them."""
        layers = dict(self.layers(tuner))
        length, iterations = shared_knob(cells, "dense"), shared_knob(cells, "iterations")
        chosen = {name: layer.positions[:0] for name, layer in layers.items()}
        for layer in layers.values():
            layer.place(layer.positions[:0])
        for number in range(1, iterations + 1):
            moved = _moved(tuner, layers, train, length)
            for name, positions in chosen.items():
                moved[name].flatten()[positions] = -torch.inf
            share = tuner.autopeft_total * number // iterations - tuner.autopeft_total * (number - 1) // iterations
            for name, more in best_of_all(moved, share).items():
                added = torch.cat([chosen[name], more])
                values = torch.cat([layers[name].values.detach(), torch.zeros(len(more), device=more.device)])
                chosen[name] = added
                layers[name].place(added, values)
            if number < iterations:
                train([layer.values for layer in layers.values()], 1.0)
        for layer in layers.values():
            layer.values.requires_grad_(len(layer.values) > 0)

    @override
    def penalty(self, tuner: BaseTuner, cells: Cells) -> Tensor | None:
        """Return the weighted sum of absolute changes over the number of all parameters."""
        weight = shared_knob(cells, "l1")
        if not weight:
            return None
        dense: list[tuple[nn.Parameter, Tensor]] = tuner.__dict__.get(_DENSE, [])
        changes = [now - before for now, before in dense] or [layer.values for _, layer in self.layers(tuner)]
        count = sum(parameter.numel() for parameter in tuner.model.parameters())
        return torch.stack([change.abs().sum() for change in changes]).sum() * (weight / count)


#: Under which a tuner holds what trains as a whole, with what it was, for as long as it does.
_DENSE = "_autopeft_dense"


def _moved(
    tuner: BaseTuner, layers: dict[str, SparseLinear], train: TrainBeforehand, length: float
) -> dict[str, Tensor]:
    """Train the matrices as a whole; return how far each weight moves from where it was at first, and put all back."""
    weights: list[nn.Parameter] = [layer.get_base_layer().weight for layer in layers.values()]
    first = [weight.data for weight in weights]
    for layer, weight in zip(layers.values(), weights, strict=True):
        # Steps would be lost in half precision.
        weight.data = layer.weight_now
        weight.requires_grad_(True)
        layer.enable_adapters(False)
    tuner.__dict__[_DENSE] = [(weight, before.float()) for weight, before in zip(weights, first, strict=True)]
    try:
        train(weights, length)
        return {
            name: (weight.detach() - before.float()).abs()
            for name, weight, before in zip(layers, weights, first, strict=True)
        }
    finally:
        del tuner.__dict__[_DENSE]
        for layer, weight, before in zip(layers.values(), weights, first, strict=True):
            weight.data, weight.grad = before, None
            weight.requires_grad_(False)
            layer.enable_adapters(True)
