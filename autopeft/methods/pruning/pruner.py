"""A pruning at work in a model that trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn

from autopeft.backbones import Anatomy
from autopeft.methods.layer import plain
from autopeft.methods.moment import Moment
from autopeft.methods.pruning.masks import Masks
from autopeft.methods.pruning.matrices import heads_of, matrices_of
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

    def before_step(self, moment: Moment) -> None:
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
        """Put on what `stored` returned, instead of what is on; nothing where it is of before the pruning.

        Raises:
            ValueError: When it is not what the pruning makes of this model.
        """
        self.masks.take_off()
        if not stored:
            return
        matrices, heads = matrices_of(self._model, self._anatomy), heads_of(self._model, self._anatomy)
        shapes = self._pruning.shapes(matrices, heads)
        if stored.keys() != shapes.keys():
            odd = sorted(stored.keys() ^ shapes.keys())
            raise ValueError(f"it holds masks of {len(stored)} matrices, not those of {len(shapes)}: see {odd[0]}")
        found = {}
        for name, shape in shapes.items():
            packed, count = stored[name], int(np.prod(shape))
            if packed.dtype != torch.uint8 or packed.numel() != -(-count // 8):
                raise ValueError(f"the mask of {name} has {packed.numel()} numbers, not {-(-count // 8)} bytes")
            flags = np.unpackbits(packed.cpu().numpy(), count=count).astype(bool)
            found[name] = torch.from_numpy(flags).reshape(shape)
        self._pruning.check(found, matrices, heads, self._knobs)
        self.masks.put(found)

    def _weight(self, name: str) -> Tensor:
        return self._upright(plain(self._model.get_submodule(name)).weight.detach().clone())

    def _update(self, name: str) -> Tensor | None:
        """Return what adapters add to a weight, by folding it into a copy in fp32, where little is not lost."""
        module: Any = self._model.get_submodule(name)
        base: Any = plain(module)
        layers: list[Any] = []
        while isinstance(module, BaseTunerLayer):
            if isinstance(module, self._folding):
                layers.append(module)
            module = module.base_layer
        if not layers:
            return None
        held = {key: value.data for key, value in base.named_parameters()}
        try:
            for key, value in base.named_parameters():
                value.data = held[key].float().clone()
            for layer in reversed(layers):
                layer.merge(adapter_names=["default"])
            return self._upright(base.weight.data - held["weight"].float())
        finally:
            # Not by taking it out again, which may fail as well, and rounds.
            for key, value in base.named_parameters():
                value.data = held[key]
            for layer in layers:
                layer.merged_adapters.clear()

    def _upright(self, weight: Tensor) -> Tensor:
        return weight.T if self._anatomy.transposed else weight
