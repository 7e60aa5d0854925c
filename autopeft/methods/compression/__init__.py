"""Compressions: what is kept of a trained adapter; a new one is a class and a line here."""

from __future__ import annotations

from autopeft.methods.compression.compeft import ComPeft, Pruned, SignedMeans
from autopeft.methods.compression.compression import NUMBER_BYTES, Compression
from autopeft.space import Configuration
from autopeft.space.word_knobs import Asked, WordKnob

__all__ = ["COMPRESSION", "NUMBER_BYTES", "Compression", "CompressionAsked", "uncompressed"]

#: The knob of training that asks for one.
COMPRESSION = WordKnob[Compression](
    "compression",
    "what is kept of a trained adapter",
    {each.name: each for each in (ComPeft(), SignedMeans(), Pruned())},
)

#: A compression that a configuration asks for.
CompressionAsked = Asked[Compression]


def uncompressed(configuration: Configuration) -> Configuration:
    """Return a configuration that asks for no compression, and else for what another does."""
    training = configuration.training
    name = training.pop(COMPRESSION.name, COMPRESSION.nothing)
    kept = {key: value for key, value in training.items() if not key.startswith(f"{name}_")}
    return configuration.with_training(kept)
