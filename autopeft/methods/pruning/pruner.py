"""A pruning at work in a model that trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn

from autopeft.backbones import Anatomy
from autopeft.methods.moment import Moment
from autopeft.methods.pruning.masks import Masks
from autopeft.methods.pruning.matrices import heads_of, matrices_of, plain
from autopeft.methods.pruning.pruning import Pruning, Weights

__all__ = ["Pruner"]


class Pruner:
    """Prunes the frozen weights of a model when it is time to.

    Args:
        pruning: What is pruned.
        knobs: Its knobs.
        model: The adapted model.
        anatomy: The resolved anatomy of its backbone.
        folding: The classes of layers whose updates can be folded into weights.
        seed: Seed of its draws.

    Attributes:
        masks: What is pruned so far.
    """

    def __init__(
        self,
        pruning: Pruning,
        knobs: Mapping[str, Any],
        model: nn.Module,
        anatomy: Anatomy,
        folding: Sequence[type[nn.Module]],
        seed: int,
    ) -> None:
        self.masks = Masks(model, anatomy)
        self._pruning, self._knobs = pruning, knobs
        self._model, self._anatomy, self._folding, self._seed = model, anatomy, tuple(folding), seed

    @property
    def pending(self) -> bool:
        """Whether it has not been done yet."""
        return not self.masks.chosen

    def before_backward(self, moment: Moment) -> None:
        """Prune before the first step after its share of them."""
        if self.pending and moment.step > int(self._knobs["at"] * moment.steps):
            self.prune()

    @torch.no_grad()
    def prune(self) -> None:
        """Prune now."""
        weights = Weights(self._weight, self._update, torch.Generator().manual_seed(self._seed))
        matrices, heads = matrices_of(self._model, self._anatomy), heads_of(self._model, self._anatomy)
        self.masks.put(self._pruning.choose(weights, matrices, heads, self._knobs))

    def stored(self) -> dict[str, Tensor]:
        """Return the masks, eight flags a byte, by names of modules; those of heads as one row."""
        return {
            name: torch.from_numpy(np.packbits(mask.cpu().numpy().ravel())) for name, mask in self.masks.chosen.items()
        }

    def restore(self, stored: Mapping[str, Tensor]) -> None:
        """Put on what `stored` returned, instead of what is on.

        Raises:
            ValueError: When it is of other matrices.
        """
        self.masks.take_off()
        matrices = {each.name: each for each in matrices_of(self._model, self._anatomy)}
        heads, found = heads_of(self._model, self._anatomy), {}
        for name, packed in stored.items():
            if name not in matrices:
                raise ValueError(f"there is no matrix {name}")
            shapes = ((matrices[name].outputs, matrices[name].inputs), (heads.count,))
            fitting = [shape for shape in shapes if -(-int(np.prod(shape)) // 8) == packed.numel()]
            if packed.dtype != torch.uint8 or not fitting:
                raise ValueError(f"the mask of {name} has {packed.numel()} bytes")
            flags = np.unpackbits(packed.cpu().numpy(), count=int(np.prod(fitting[0]))).astype(bool)
            found[name] = torch.from_numpy(flags).reshape(fitting[0])
        self.masks.put(found)

    def _weight(self, name: str) -> Tensor:
        return self._upright(plain(self._model.get_submodule(name)).weight.detach().clone())

    def _update(self, name: str) -> Tensor | None:
        """Fold what adapters learned into a weight, and take it out again."""
        module: Any = self._model.get_submodule(name)
        base: Any = plain(module)
        layers: list[Any] = []
        while isinstance(module, BaseTunerLayer):
            if (
                isinstance(module, self._folding)
                and getattr(type(module), "unmerge", None) is not BaseTunerLayer.unmerge
            ):
                layers.append(module)
            module = module.base_layer
        if not layers:
            return None
        before = {name: value.detach().clone() for name, value in base.named_parameters()}
        for layer in reversed(layers):
            layer.merge(adapter_names=["default"])
        found: Tensor = base.weight.detach() - before["weight"]
        for layer in layers:
            layer.unmerge()
        for name, value in base.named_parameters():
            value.copy_(before[name])
        return self._upright(found)

    def _upright(self, weight: Tensor) -> Tensor:
        return weight.T if self._anatomy.transposed else weight
