"""The exact number of trainable parameters of a configuration, without weights and without building it."""

from __future__ import annotations

import copy
import sys
from collections.abc import Hashable, Iterable

import torch
from torch import nn

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY
from autopeft.methods.builder import Part, adapter_parameters, apply, check_fit, inject, plan, remove
from autopeft.methods.method import Cells
from autopeft.space import Configuration
from autopeft.space.canonical import build

__all__ = ["Costs"]


class Costs:
    """Counts what configurations cost on one backbone.

    A cell (one method at one place) costs the same wherever the modules it touches have the same shapes. So
    each kind of cell is injected once, by the builder's own `inject`, into a copy on the meta device of just
    those modules, counted there and remembered; a configuration is a sum over its cells. The places of methods
    that share parameters among them are injected together.

    Args:
        backbone: The backbone to adapt.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self._modules: dict[str, nn.Module] = dict(backbone.meta().named_modules())
        self._shapes: dict[str, Hashable] = {}
        self._counts: dict[Hashable, int] = {}

    def params(self, configuration: Configuration) -> int:
        """Return the number of trainable parameters of the adapters; the task head is not counted.

        Raises:
            ConfigurationError: PEFT cannot build the configuration on this backbone.
        """
        return sum(self._part(part) for part in plan(configuration))

    def price(self, configuration: Configuration, refused: int = sys.maxsize) -> int:
        """Return `params`, or `refused` (more than any budget) for what PEFT cannot build on this backbone."""
        try:
            return self.params(configuration)
        except ConfigurationError:
            return refused

    def share(self, configuration: Configuration) -> float:
        """Return `params` as a fraction of the parameters of the backbone."""
        return self.params(configuration) / self._backbone.num_parameters

    def _part(self, part: Part) -> int:
        method = part.method
        if not method.joint:
            return sum(self._cells(part, {cell: knobs}) for cell, knobs in part.cells.items())
        shared = method.shared_count(next(iter(part.cells.values())))
        return self._cells(part, part.cells) if shared is None else shared

    def _cells(self, part: Part, cells: Cells) -> int:
        """Count places that are built together; those of the same kind are built once."""
        anatomy = self._backbone.anatomy
        kind: Hashable = (
            part.method.words.name,
            tuple(
                (tuple(knobs.items()), tuple(self._shape(name) for name in part.method.modules(cell, knobs, anatomy)))
                for cell, knobs in cells.items()
            ),
        )
        if kind not in self._counts:
            self._counts[kind] = self._count(Part(part.name, part.method, cells))
        return self._counts[kind]

    def _shape(self, name: str) -> Hashable:
        """Return what the cost of adapting a module depends on: its type and the shapes of its parameters."""
        if name not in self._shapes:
            module = self._modules[name]
            shapes = tuple((key, tuple(value.shape)) for key, value in module.named_parameters())
            self._shapes[name] = (type(module), shapes)
        return self._shapes[name]

    def _count(self, part: Part) -> int:
        anatomy = self._backbone.anatomy
        names = [name for cell, knobs in part.cells.items() for name in part.method.modules(cell, knobs, anatomy)]
        neutral = {cell: part.method.counting(knobs) for cell, knobs in part.cells.items()}
        try:
            with torch.device("meta"):
                if part.method.words.placement == "model":
                    return self._count_whole(part.method.words.name, neutral)
                fragment = self._fragment(names)
                check_fit(part, fragment, anatomy)
                inserted = inject(part._replace(cells=neutral), fragment, anatomy)
        except (ConfigurationError, RuntimeError) as error:
            # Some initialisations look into weights, which a model on the meta device has not.
            without_weights = isinstance(error, RuntimeError) or isinstance(error.__cause__, RuntimeError)
            knobs = next(iter(part.cells.values()))
            counted = part.method.count(knobs, self._modules[names[0]]) if without_weights else None
            if counted is None:
                raise
            return counted
        return sum(parameter.numel() for parameter in inserted.parameters)

    def _count_whole(self, name: str, cells: Cells) -> int:
        """Count a method that is put into a model as a whole, in the model on the meta device."""
        model = self._backbone.meta()
        apply(build({name: cells}, {"learning_rate": 0.0}, VOCABULARY), model, self._backbone.anatomy)
        try:
            return sum(parameter.numel() for parameter in adapter_parameters(model).values())
        finally:
            remove(model)

    def _fragment(self, names: Iterable[str]) -> nn.Module:
        """Return copies of some modules at their places in an otherwise empty model."""
        fragment = nn.Module()
        for name in names:
            parent = fragment
            *path, leaf = name.split(".")
            for step in path:
                if step not in parent._modules:
                    parent.add_module(step, nn.Module())
                parent = parent.get_submodule(step)
            # A copy, for the injection freezes parameters and prefixes switch the module's config.
            parent.add_module(leaf, copy.deepcopy(self._modules[name]))
        return fragment
