"""Spaces in which the learning rate is a multiple of what is usual for LoRA of that rank and scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autopeft.methods import VOCABULARY
from autopeft.space import BoundSpace, Configuration, cells
from autopeft.space.parameters import significant

__all__ = ["SteppedSpace", "usual"]

#: Rank and scale of stock LoRA, to which rates are relative.
_STOCK_RANK, _STOCK_SCALE = 8, 2.0


def usual(rank: float, scale: float, exponent: float) -> float:
    """Return the usual learning rate of LoRA as a multiple of stock LoRA's: the same step of the weights.

    Args:
        rank: Its rank.
        scale: Alpha over rank, by which its update is multiplied.
        exponent: How the best rate moves with the rank where alpha is fixed, whose scale falls with the rank.
    """
    return (rank / _STOCK_RANK) ** (exponent - 1) * _STOCK_SCALE / scale


class SteppedSpace:
    """A bound space whose learning rate is read as a step: it is multiplied by what is usual for the LoRA at a point.

    What the rate becomes stays between the ends of the space; samplers see the same knobs.

    Args:
        space: The space; its learning rate is one for all, a continuum.
        exponent: See `usual`.
    """

    _RATE = "training.learning_rate"

    def __init__(self, space: BoundSpace, exponent: float) -> None:
        self._space = space
        self._exponent = exponent
        self._rate = next(each for each in space.parameters if each.name == self._RATE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._space, name)

    def decode(self, params: Mapping[str, Any]) -> Configuration:
        """Return the configuration at a point."""
        return self._moved(self._space.decode(params), 1)

    def encode(self, configuration: Configuration) -> dict[str, Any]:
        """Return the point of a configuration."""
        return dict(self._space.encode(self._moved(configuration, -1)))

    def _moved(self, configuration: Configuration, power: int) -> Configuration:
        lora = cells(configuration, VOCABULARY).get("lora")
        if not lora:
            return configuration
        rank = max(knobs["rank"] for knobs in lora.values())
        scale = max(knobs["alpha"] / knobs["rank"] for knobs in lora.values())
        rate = configuration.training["learning_rate"] * usual(rank, scale, self._exponent) ** power
        written = configuration.to_dict()
        written["training"]["learning_rate"] = significant(min(max(rate, self._rate.low), self._rate.high))
        return Configuration.from_dict(written)
