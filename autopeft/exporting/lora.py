"""LoRA as the tools that know nothing else write it: a rank, an alpha and the modules, perhaps by pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autopeft.backbones import Backbone
from autopeft.exporting.job import ExportJob
from autopeft.exporting.readable import short_names, usual, whole
from autopeft.exporting.shortfall import Shortfall, beyond_config, one_method
from autopeft.exporting.training import only_part
from autopeft.methods.builder import plan
from autopeft.space import Configuration

__all__ = [
    "NO_OP_STARTS",
    "LoraKeys",
    "lora_keys",
    "lora_shortfalls",
    "module_regex",
    "uniform",
    "whole_alphas",
]

#: Starts at which the product is zero, so that an untrained adapter changes nothing.
NO_OP_STARTS = ("default", "gaussian")


@dataclass(frozen=True)
class LoraKeys:
    """A LoRA, matrix by matrix.

    Args:
        ranks: Rank of each matrix, by its full name, names sorted.
        alphas: Alpha of each matrix likewise; whole numbers as int.
        knobs: What is the same at every place.
        leaves: Endings of the names, where they tell all these matrices from others, else None.
    """

    ranks: Mapping[str, int]
    alphas: Mapping[str, int | float]
    knobs: Mapping[str, Any]
    leaves: tuple[str, ...] | None

    @property
    def names(self) -> list[str]:
        """Full names of the matrices."""
        return list(self.ranks)

    @property
    def rank(self) -> int:
        """The rank of most matrices, which stands for those without a pattern."""
        return usual(self.ranks)

    @property
    def alpha(self) -> int | float:
        """The alpha of most matrices likewise."""
        return usual(self.alphas)

    @property
    def uniform(self) -> bool:
        """Whether rank and alpha are the same everywhere."""
        return len(set(self.ranks.values())) == len(set(self.alphas.values())) == 1

    @property
    def whole(self) -> bool:
        """Whether all alphas are whole numbers."""
        return all(isinstance(alpha, int) for alpha in self.alphas.values())

    @property
    def dora(self) -> bool:
        """Whether direction and magnitude are apart."""
        return bool(self.knobs["variant"] == "dora")

    @property
    def rslora(self) -> bool:
        """Whether the scale is alpha / sqrt(r)."""
        return bool(self.knobs["variant"] == "rslora")


def lora_keys(job: ExportJob) -> LoraKeys:
    """Return the only part of a configuration, which must be LoRA, as tools write it."""
    part, backbone = only_part(job), job.backbone
    placed = {part.method.modules(cell, knobs, backbone.anatomy)[0]: knobs for cell, knobs in part.cells.items()}
    names = sorted(placed)
    leaves = short_names(names, backbone)
    return LoraKeys(
        {name: placed[name]["rank"] for name in names},
        {name: whole(placed[name]["alpha"]) for name in names},
        placed[names[0]],
        None if leaves is None else tuple(leaves),
    )


def lora_shortfalls(configuration: Configuration, known: Sequence[str], starts: Sequence[str]) -> Iterator[Shortfall]:
    """Yield what of a configuration is no LoRA that a tool has words for.

    Args:
        configuration: The configuration.
        known: What is beyond PEFT configs, as `lora.b_ratio`, that it has words for.
        starts: The values of `lora.init` that it has words for.
    """
    found = list(one_method(configuration))
    parts = plan(configuration)
    found += [
        Shortfall(f"modules: {part.method.words.name}", "no LoRA")
        for part in parts[:1]
        if len(parts) == 1 and part.method.words.name != "lora"
    ]
    yield from found
    if found:
        return
    [part] = parts
    knobs = next(iter(part.cells.values()))
    yield from (Shortfall(f"lora.{name}", reason) for name, reason in _NOT_LORA.items() if knobs[name])
    yield from beyond_config(configuration, known)
    if knobs["init"] not in starts and not part.method.needs_batches(knobs):
        yield Shortfall("lora.init", f"the start {knobs['init']}", lossy=True)


_NOT_LORA = {"gate": "a gate", "lora_bias": "a bias of B"}


def whole_alphas(configuration: Configuration) -> bool:
    """Tell whether no alpha has a fraction."""
    return all(float(alpha).is_integer() for _, alpha in _scales(configuration))


def uniform(configuration: Configuration) -> bool:
    """Tell whether rank and alpha are the same everywhere."""
    return len(_scales(configuration)) <= 1


def _scales(configuration: Configuration) -> set[tuple[int, float]]:
    return {
        (knobs["rank"], knobs["alpha"])
        for part in plan(configuration)
        for knobs in part.cells.values()
        if part.method.words.name == "lora"
    }


def module_regex(keys: LoraKeys, backbone: Backbone) -> str:
    """Return one regular expression that matches the full names of the matrices and no other."""
    if keys.leaves is not None:
        return rf".*\.({'|'.join(map(re.escape, keys.leaves))})"
    layers: dict[tuple[str, ...], list[str]] = {}
    inside: dict[str, list[str]] = {}
    for name in keys.names:
        number, _, rest = name.removeprefix(f"{backbone.anatomy.layers}.").partition(".")
        inside.setdefault(number, []).append(rest)
    for number, names in inside.items():
        layers.setdefault(tuple(names), []).append(number)
    alternatives = (
        rf"({'|'.join(sorted(numbers, key=int))})\.({'|'.join(map(re.escape, names))})"
        for names, numbers in layers.items()
    )
    return rf"{re.escape(backbone.anatomy.layers)}\.({'|'.join(alternatives)})"
