"""Adapter configs as a person would write them: short names, one rank and alpha, patterns only where places differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from peft import PeftConfig, PeftType

from autopeft.backbones import Backbone

__all__ = ["differing", "short_names", "shorten", "usual", "whole"]

Value = TypeVar("Value", int, float)

#: The field that holds for places without a pattern, by the field of the pattern.
_PATTERNS = {"rank_pattern": "r", "alpha_pattern": "lora_alpha"}
#: Fields whose names must be among those of `target_modules`.
_DEPENDENT = ("feedforward_modules", "exclude_modules", "layers_to_transform")


def shorten(config: PeftConfig, backbone: Backbone) -> None:
    """Say what a config over full module names says in fewer words; changed in place.

    Args:
        config: A config of a method that goes into matrices, or any other, which stays as it is.
        backbone: The backbone.
    """
    # AdaLoRA means by `rank_pattern` what it has left.
    if config.peft_type == PeftType.LORA:
        for pattern, field in _PATTERNS.items():
            values = {name: whole(value) for name, value in getattr(config, pattern).items()}
            if values:
                setattr(config, field, usual(values))
                setattr(config, pattern, differing(values))
    names = getattr(config, "target_modules", None)
    if isinstance(names, list | set) and not any(getattr(config, field, None) for field in _DEPENDENT):
        layers = _some_layers(names, backbone) if hasattr(config, "layers_to_transform") else None
        if layers is not None:
            config.layers_to_transform = layers
            config.layers_pattern = backbone.anatomy.layers.rpartition(".")[2]
            names = _everywhere(names, backbone)
        config.target_modules = short_names(names, backbone) or sorted(names)


def _some_layers(names: Collection[str], backbone: Backbone) -> list[int] | None:
    """Return the layers that modules are in, where these are not all, and short names can say the modules of each."""
    inside = {_inside(name, backbone) for name in names}
    layers = {int(name.removeprefix(f"{backbone.anatomy.layers}.").partition(".")[0]) for name in names}
    alike = len(names) == len(layers) * len(inside) and len(layers) < backbone.anatomy.count
    return sorted(layers) if alike and short_names(_everywhere(names, backbone), backbone) else None


def _everywhere(names: Collection[str], backbone: Backbone) -> list[str]:
    """Return the modules of the same names in all layers."""
    inside = {_inside(name, backbone) for name in names}
    return [f"{backbone.anatomy.layer(number)}.{name}" for number in range(backbone.anatomy.count) for name in inside]


def whole(value: Any) -> Any:
    """Return a number without a fraction as an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def usual(values: Mapping[str, Value]) -> Value:
    """Return the value that most places have, the first of those that equally many have."""
    return Counter(values.values()).most_common(1)[0][0]


def differing(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the places that have another value than most."""
    return {name: value for name, value in values.items() if value != usual(values)}


def short_names(names: Collection[str], backbone: Backbone) -> list[str] | None:
    """Return endings of module names that these modules have and no other; None where there are none that short.

    Args:
        names: Full names of modules inside layers.
        backbone: The backbone.
    """
    every = [name for name, _ in backbone.meta().named_modules()]
    found = {_shortest(inside, names, every) for inside in {_inside(name, backbone) for name in names}}
    endings = sorted(ending for ending in found if ending is not None)
    return endings if None not in found and set(_ending(every, endings)) == set(names) else None


def _inside(name: str, backbone: Backbone) -> str:
    """Return the name of a module within its layer."""
    return name.removeprefix(f"{backbone.anatomy.layers}.").partition(".")[2]


def _shortest(inside: str, names: Collection[str], every: Iterable[str]) -> str | None:
    """Return the shortest ending of a name that no module but `names` has."""
    parts = inside.split(".")
    for count in range(1, len(parts) + 1):
        ending = ".".join(parts[-count:])
        if set(_ending(every, [ending])) <= set(names):
            return ending
    return None


def _ending(every: Iterable[str], endings: Iterable[str]) -> list[str]:
    """Return the modules that PEFT finds by endings of their names."""
    return [name for name in every if any(f".{name}".endswith(f".{ending}") for ending in endings)]
