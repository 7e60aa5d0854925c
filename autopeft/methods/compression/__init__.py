"""Compressions: what is kept of a trained adapter; a new one is a class and a line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from autopeft.methods.compression.compeft import ComPeft, Pruned, SignedMeans
from autopeft.methods.compression.compression import NUMBER_BYTES, Compression
from autopeft.space import Configuration
from autopeft.space.vocabulary import Knob

__all__ = [
    "COMPRESSIONS",
    "NUMBER_BYTES",
    "Asked",
    "Compression",
    "compression_knobs",
    "compression_of",
    "knobs_of",
    "uncompressed",
]

COMPRESSIONS: dict[str, Compression] = {each.name: each for each in (ComPeft(), SignedMeans(), Pruned())}

#: The knob of training that asks for one, and its word for none.
_KNOB, _NONE = "compression", "none"


class Asked(NamedTuple):
    """A compression that a configuration asks for, with its knobs."""

    compression: Compression
    knobs: Mapping[str, Any]


def compression_knobs(excludes: tuple[str, ...]) -> Iterator[Knob]:
    """Yield the knobs of training that compressions bring: which one, and the knobs of each.

    Args:
        excludes: Methods whose adapters cannot be compressed.
    """
    yield Knob(
        _KNOB,
        "choice",
        "what is kept of a trained adapter",
        default=_NONE,
        choices=(_NONE, *COMPRESSIONS),
        unsaid=True,
        excludes=excludes,
    )
    for name in COMPRESSIONS:
        for knob in knobs_of(name):
            yield replace(knob, name=f"{name}_{knob.name}", given=(_KNOB, (name,)))


def knobs_of(name: str) -> tuple[Knob, ...]:
    """Return the knobs of a compression."""
    compression = COMPRESSIONS[name]
    return (compression.density, *compression.knobs)


def compression_of(training: Mapping[str, Any]) -> Asked | None:
    """Return the compression that a configuration asks for; None where it asks for none.

    Args:
        training: The configuration's knobs of training.
    """
    name = training.get(_KNOB, _NONE)
    if name == _NONE:
        return None
    own = f"{name}_"
    return Asked(COMPRESSIONS[name], {key.removeprefix(own): training[key] for key in training if key.startswith(own)})


def uncompressed(configuration: Configuration) -> Configuration:
    """Return a configuration that asks for no compression, and else for what another does."""
    training = configuration.training
    name = training.pop(_KNOB, _NONE)
    kept = {key: value for key, value in training.items() if not key.startswith(f"{name}_")}
    return Configuration.from_dict({"modules": configuration.modules, "training": kept})
