"""The matrices in the layers of a backbone, and its attention heads, as pruning sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from autopeft.backbones import Anatomy, features, layer_config
from autopeft.methods.layer import plain

__all__ = ["Heads", "Matrix", "heads_of", "matrices_of", "of_layers"]


@dataclass(frozen=True)
class Matrix:
    """A matrix of a layer.

    Args:
        name: Full name of its module.
        layer: Index of the layer.
        role: What it does there.
        inputs: Size of what it reads.
        outputs: Size of what it makes.
    """

    name: str
    layer: int
    role: str
    inputs: int
    outputs: int

    @property
    def size(self) -> int:
        """Its number of weights."""
        return self.inputs * self.outputs


@dataclass(frozen=True)
class Heads:
    """The attention heads of each layer.

    Args:
        count: How many there are.
        keys: How many have keys and values of their own, which others share.
        fused: Whether one matrix makes queries, keys and values, so that heads cannot be told apart there.
    """

    count: int
    keys: int
    fused: bool

    def own(self) -> tuple[str, ...]:
        """Return the roles of the matrices in which each head has rows of its own."""
        if self.fused:
            return ()
        return ("q", "k", "v") if self.keys == self.count else ("q",)


def matrices_of(model: nn.Module, anatomy: Anatomy) -> list[Matrix]:
    """Return the matrices of the layers, in their order.

    Args:
        model: A model, adapted or not, on the meta device maybe.
        anatomy: The resolved anatomy of its backbone.
    """
    return list(_matrices(model, anatomy))


def heads_of(model: Any, anatomy: Anatomy) -> Heads:
    """Return the attention heads of each layer; arguments as of `matrices_of`."""
    config: Any = layer_config(model)
    count = int(config.num_attention_heads)
    fused = any(anatomy.aliases.get(role) for role in ("q", "k", "v"))
    return Heads(count, int(getattr(config, "num_key_value_heads", None) or count), fused)


def of_layers(matrices: Sequence[Matrix], role: str) -> list[Matrix]:
    """Return the matrices of a role, layer by layer."""
    return [each for each in matrices if each.role == role]


def _matrices(model: nn.Module, anatomy: Anatomy) -> Iterator[Matrix]:
    with torch.no_grad():
        for layer in range(anatomy.count):
            for role in anatomy.present:
                name = anatomy.module(layer, role)
                yield Matrix(name, layer, role, *features(plain(model.get_submodule(name))))
