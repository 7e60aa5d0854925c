"""The exact number of trainable parameters of a configuration, without weights and without building it."""

from __future__ import annotations

import copy
from collections.abc import Hashable

import torch
from torch import nn

from autopeft.backbones import Backbone
from autopeft.methods.builder import inject, plan
from autopeft.methods.method import Knobs, Method
from autopeft.space import Configuration
from autopeft.space.placement import Cell

__all__ = ["Costs"]


class Costs:
    """Counts what configurations cost on one backbone.

    A cell (one method at one place) costs the same wherever the modules it touches have the same shapes. So
    each kind of cell is injected once, by the builder's own `inject`, into a copy on the meta device of just
    those modules, counted there and remembered; a configuration is a sum over its cells.

    Args:
        backbone: The backbone to adapt.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self._modules: dict[str, nn.Module] = dict(backbone.meta().named_modules())
        self._shapes: dict[str, Hashable] = {}
        self._counts: dict[Hashable, int] = {}

    def params(self, configuration: Configuration) -> int:
        """Return the number of trainable parameters of the adapters; the task head is not counted."""
        return sum(
            self._cell(method, cell, knobs) for method, places in plan(configuration) for cell, knobs in places.items()
        )

    def share(self, configuration: Configuration) -> float:
        """Return `params` as a fraction of the parameters of the backbone."""
        return self.params(configuration) / self._backbone.num_parameters

    def _cell(self, method: Method, cell: Cell, knobs: Knobs) -> int:
        names = method.modules(cell, knobs, self._backbone.anatomy)
        kind = (method.words.name, tuple(sorted(knobs.items())), tuple(self._shape(name) for name in names))
        if kind not in self._counts:
            self._counts[kind] = self._count(method, cell, knobs, names)
        return self._counts[kind]

    def _shape(self, name: str) -> Hashable:
        """Return what the cost of adapting a module depends on: its type and the shapes of its parameters."""
        if name not in self._shapes:
            module = self._modules[name]
            shapes = tuple((key, tuple(value.shape)) for key, value in module.named_parameters())
            self._shapes[name] = (type(module), shapes)
        return self._shapes[name]

    def _count(self, method: Method, cell: Cell, knobs: Knobs, names: tuple[str, ...]) -> int:
        fragment = nn.Module()
        for name in names:
            parent = fragment
            *path, leaf = name.split(".")
            for part in path:
                if part not in parent._modules:
                    parent.add_module(part, nn.Module())
                parent = parent.get_submodule(part)
            # A copy, for the injection freezes parameters and prefixes switch the module's config.
            parent.add_module(leaf, copy.deepcopy(self._modules[name]))
        frozen = {id(parameter) for parameter in fragment.parameters()}
        with torch.device("meta"):
            inject(method, {cell: knobs}, fragment, self._backbone.anatomy)
        return sum(parameter.numel() for parameter in fragment.parameters() if id(parameter) not in frozen)
