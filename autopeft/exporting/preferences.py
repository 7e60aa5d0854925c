"""What tools have in common that train by preferences, with DPO."""

from __future__ import annotations

from collections.abc import Iterator

from autopeft.exporting.shortfall import Shortfall
from autopeft.methods.builder import plan
from autopeft.space import Configuration

__all__ = ["preference_shortfalls"]


def preference_shortfalls(configuration: Configuration, *, keeps_dropout: bool) -> Iterator[Shortfall]:
    """Yield what a tool cannot express that takes the model with its adapter switched off for the untouched one.

    Args:
        configuration: What is trained.
        keeps_dropout: Whether it can be told to leave the dropout of adapters on.
    """
    every = [(part.method, knobs) for part in plan(configuration) for knobs in part.cells.values()]
    altering = sorted({method.words.name for method, knobs in every if method.alters_weights(knobs)})
    if altering:
        # Of LoRA it is the start that does.
        field = f"{altering[0]}.init" if any("init" in knobs for _, knobs in every) else f"modules: {altering[0]}"
        yield Shortfall(
            field, "it changes the weights, so that the model with its adapter off is not the untouched one", lossy=True
        )
    if not keeps_dropout and any(knobs.get("dropout") for _, knobs in every):
        yield Shortfall("lora.dropout", "switched off where it trains by preferences", lossy=True)
