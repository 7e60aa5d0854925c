"""What of a model is pruned: put on frozen weights, taken off again, and what is left of it after merging."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from autopeft.backbones import Anatomy
from autopeft.methods.layer import plain
from autopeft.methods.pruning.matrices import heads_of, matrices_of

__all__ = ["Masks"]


class Masks:
    """Zeros in the frozen weights of a model, and heads that nothing goes through.

    Args:
        model: The model, with its adapters.
        anatomy: The resolved anatomy of its backbone.

    Attributes:
        chosen: The masks that are on, by names of modules: of weights `[outputs, inputs]`, of heads `[heads]`.
    """

    def __init__(self, model: nn.Module, anatomy: Anatomy) -> None:
        self.chosen: dict[str, Tensor] = {}
        self._model = model
        self._transposed = anatomy.transposed
        self._matrices = {each.name: each for each in matrices_of(model, anatomy)}
        self._heads = heads_of(model, anatomy)
        self._before: list[tuple[nn.Parameter, Any, Tensor]] = []
        self._hooks: list[RemovableHandle] = []

    @torch.no_grad()
    def put(self, chosen: Mapping[str, Tensor]) -> None:
        """Put masks on; there are none yet.

        Adapters of what heads go into read 0 of those that are dropped, as the weights do.
        """
        self.chosen = dict(chosen)
        masks = ([each] if each[1].dim() == 2 else self._of_heads(*each) for each in self.chosen.items())
        for weight, zeros in self._stored(itertools.chain.from_iterable(masks)):
            self._before.append((weight, zeros, weight[zeros].clone()))
            weight[zeros] = 0
        for name, mask in self.chosen.items():
            if mask.dim() == 1:
                module = self._model.get_submodule(name)
                self._hooks.append(module.register_forward_pre_hook(_without(self._columns(name, mask))))

    @torch.no_grad()
    def take_off(self) -> None:
        """Put back what was there before."""
        for weight, zeros, values in self._before:
            weight[zeros] = values
        self._forget()

    @torch.no_grad()
    def merged(self) -> None:
        """Keep the model as it computes, its adapters being in its weights by now.

        What belongs to dropped heads is 0 again; where single weights are 0, what adapters added to them stays.
        """
        for name, mask in self.chosen.items():
            if mask.dim() == 1:
                for weight, zeros in self._stored(self._of_heads(name, mask)):
                    weight[zeros] = 0
        self._forget()

    def _forget(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._before, self._hooks, self.chosen = [], [], {}

    def _stored(self, masks: Iterable[tuple[str, Any]]) -> Iterator[tuple[Any, Any]]:
        """Yield the weights of matrices, and what of them is chosen by an index: a mask, rows or columns."""
        for name, chosen in masks:
            weight = plain(self._model.get_submodule(name)).weight
            if isinstance(chosen, Tensor):
                yield weight, (chosen.T if self._transposed else chosen).to(weight.device)
            else:
                first, second = chosen
                yield weight, (second, first) if self._transposed else (first, second)

    def _of_heads(self, output: str, mask: Tensor) -> Iterator[tuple[str, Any]]:
        """Yield the matrices of a layer that heads have rows or columns in, with those."""
        matrix, everything = self._matrices[output], slice(None)
        yield output, (everything, self._columns(output, mask).nonzero().flatten())
        for each in self._matrices.values():
            if each.layer == matrix.layer and each.role in self._heads.own():
                rows = mask.repeat_interleave(each.outputs // self._heads.count)
                yield each.name, (rows.nonzero().flatten(), everything)

    def _columns(self, output: str, mask: Tensor) -> Tensor:
        return mask.repeat_interleave(self._matrices[output].inputs // self._heads.count)


def _without(zeros: Tensor) -> Callable[[nn.Module, Sequence[Any]], tuple[Any, ...]]:
    """Return a hook that hands a module its first input with zeros in it."""

    def hook(_module: nn.Module, inputs: Sequence[Any]) -> tuple[Any, ...]:
        first, *others = inputs
        return (first.masked_fill(zeros.to(first.device), 0), *others)

    return hook
