"""Single parts of configurations, built for what their shapes tell, mostly without weights."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from autopeft.backbones import Backbone
from autopeft.methods import VOCABULARY
from autopeft.methods.builder import Inserted, Part, applied, apply, inject, remove
from autopeft.methods.checks import check_fit
from autopeft.space.canonical import build

__all__ = ["Fragments", "OnMeta", "needs_weights"]


class Fragments:
    """Builds parts of configurations by the builder's own `inject`, into copies of just the modules they touch.

    Args:
        backbone: The backbone to adapt.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self._modules: dict[str, nn.Module] = dict(backbone.meta().named_modules())
        self._shapes: dict[str, Hashable] = {}

    def kind(self, part: Part) -> Hashable:
        """Return what parts have in common that cost the same: the method, its knobs, the shapes of its modules."""
        return part.method.words.name, tuple(
            (
                tuple(item for item in knobs.items() if item[0] != "learning_rate"),
                tuple(self._shape(name) for name in part.method.modules(cell, knobs, self._backbone.anatomy)),
            )
            for cell, knobs in part.cells.items()
        )

    def size(self, part: Part) -> int:
        """Return how many weights the matrices have that a part touches."""
        weights: list[Any] = [self._modules[name].weight for name in self._names(part)]
        return sum(weight.numel() for weight in weights)

    def first_module(self, part: Part) -> nn.Module:
        """Return the first module that a part touches, on the meta device."""
        return self._modules[self._names(part)[0]]

    @contextmanager
    def built(self, part: Part, device: str = "meta") -> Iterator[list[Inserted]]:
        """Build a part, for as long as the context lasts; a method of the whole model is put into it.

        Args:
            part: What to build, with the start that needs neither weights nor data.
            device: `meta`, or `cpu` for random weights.

        Raises:
            ConfigurationError: PEFT cannot build it on this backbone, or not without weights, see `needs_weights`.
            RuntimeError: The same without weights.
        """
        method, anatomy = part.method, self._backbone.anatomy
        neutral = part._replace(cells={cell: method.counting(knobs) for cell, knobs in part.cells.items()})
        if method.words.placement == "model":
            model = self._backbone.meta()
            placed = build({method.words.name: neutral.cells}, {"learning_rate": 0.0}, VOCABULARY)
            with torch.device("meta"):
                apply(placed, model, anatomy)
            try:
                yield applied(model).inserted
            finally:
                remove(model)
            return
        with torch.device(device):
            fragment = self._fragment(self._names(part), device)
            check_fit(part, fragment, anatomy)
            inserted = inject(neutral, fragment, anatomy)
        yield [inserted]

    def _names(self, part: Part) -> list[str]:
        anatomy = self._backbone.anatomy
        return [name for cell, knobs in part.cells.items() for name in part.method.modules(cell, knobs, anatomy)]

    def _shape(self, name: str) -> Hashable:
        """Return what the cost of adapting a module depends on: its type and the shapes of its parameters."""
        if name not in self._shapes:
            module = self._modules[name]
            shapes = tuple((key, tuple(value.shape)) for key, value in module.named_parameters())
            self._shapes[name] = (type(module), shapes)
        return self._shapes[name]

    def _fragment(self, names: Iterable[str], device: str) -> nn.Module:
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
        if device != "meta":
            fragment.to_empty(device=device)
            for parameter in fragment.parameters():
                nn.init.normal_(parameter, std=0.02)
        return fragment


class OnMeta(TorchFunctionMode):
    """Lets code of PEFT's bring tensors to the CPU that have no values: they stay where they are."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Leave out `cpu()` of a tensor on the meta device."""
        if func is torch.Tensor.cpu and args[0].is_meta:
            return args[0]
        return func(*args, **(kwargs or {}))


def needs_weights(error: Exception) -> bool:
    """Tell whether a part could not be built because its start looks into weights, which `meta` has not."""
    return isinstance(error, RuntimeError) or isinstance(error.__cause__, RuntimeError)
