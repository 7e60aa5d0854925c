"""Where in the layers what trains is: the units that a schedule switches on and off."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, TypeVar

from torch import nn

from autopeft.backbones import Anatomy

__all__ = ["ATTENTION", "FFN", "NORMS", "Place", "by_layer", "category_of", "places_of"]

#: Categories of what a layer has.
ATTENTION, FFN, NORMS = "attention", "ffn", "norms"

_FFN_ROLES = ("up", "gate", "down")

_Value = TypeVar("_Value")


class Place(NamedTuple):
    """A module of a layer that trains, or in which something does.

    Args:
        layer: Index of the layer.
        module: Name of the module inside the layer.
    """

    layer: int
    module: str


def places_of(model: nn.Module, own: Collection[int], anatomy: Anatomy) -> Iterator[tuple[nn.Parameter, Place | None]]:
    """Yield parameters with their places; None outside the layers, and for what several places share.

    Args:
        model: What they are in.
        own: The `id` of each.
        anatomy: The resolved anatomy of the backbone.
    """
    found: dict[int, tuple[nn.Parameter, set[Place | None]]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) in own:
            plain = ".".join(part for part in name.split(".") if part != "base_layer")
            found.setdefault(id(parameter), (parameter, set()))[1].add(_place(plain, anatomy))
    for parameter, places in found.values():
        yield parameter, next(iter(places)) if len(places) == 1 else None


def _place(name: str, anatomy: Anatomy) -> Place | None:
    """Return the place of a parameter by its full name without the wrappers of PEFT."""
    for layer in range(anatomy.count):
        prefix = f"{anatomy.layer(layer)}."
        if name.startswith(prefix):
            return Place(layer, _module(name.removeprefix(prefix), layer, anatomy))
    return None


def _module(inside: str, layer: int, anatomy: Anatomy) -> str:
    """Return the module of a layer that a parameter belongs to, by the parameter's name inside the layer."""
    norms = [name.removeprefix(f"{anatomy.layer(layer)}.") for name in anatomy.norms(layer)]
    known = [name for name in (*anatomy.roles.values(), *norms) if inside.startswith(f"{name}.")]
    return max(known, key=len, default=anatomy.attention)


def category_of(place: Place, anatomy: Anatomy) -> str:
    """Return what a module is there for: attention, feed-forward network, or a norm."""
    full = f"{anatomy.layer(place.layer)}.{place.module}"
    if full in anatomy.norms(place.layer):
        return NORMS
    roles = [role for role, name in anatomy.roles.items() if name == place.module]
    return FFN if any(role in _FFN_ROLES for role in roles) else ATTENTION


def by_layer(found: Mapping[Place, _Value]) -> dict[int, dict[Place, _Value]]:
    """Return what stands at places, layer by layer."""
    layers: dict[int, dict[Place, _Value]] = {}
    for place, value in sorted(found.items(), key=lambda item: item[0]):
        layers.setdefault(place.layer, {})[place] = value
    return layers
