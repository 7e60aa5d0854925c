"""What did well in earlier studies, written relative to a backbone: where a search begins."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from autopeft.errors import ConfigurationError
from autopeft.space import BackboneShape, BoundSpace, Configuration
from autopeft.space.canonical import canonical
from autopeft.space.placement import parse_layers
from autopeft.space.quantity import relative_unit

__all__ = ["PORTFOLIO", "Entry", "portfolio"]

#: The file that `studies.portfolio.learn` writes.
PORTFOLIO = Path(__file__).with_name("portfolio.yaml")


@dataclass(frozen=True)
class Entry:
    """A configuration relative to a backbone.

    Args:
        modules: Methods with their knobs as in the language of configurations, sizes relative to the width where they
            go with it, but layers as shares of the depth: `4-5 of 6`.
        pace: The learning rate as a multiple of stock LoRA's.
    """

    modules: Mapping[str, Mapping[str, Any]]
    pace: float

    def configuration(self, space: BoundSpace, learning_rate: float) -> Configuration | None:
        """Return it on the backbone of a space, or None where the space does not hold it.

        Args:
            space: The space.
            learning_rate: Peak learning rate of stock LoRA on the backbone.
        """
        for modules, training in self._writings(space.shape, self.pace * learning_rate):
            try:
                found = canonical({"modules": modules, "training": training}, space.vocabulary, space.shape)
            except ConfigurationError:
                continue
            # Too few layers may have left nothing of a method.
            if found.modules.keys() == self.modules.keys() and space.contains(found):
                return found
        return None

    def _writings(self, shape: BackboneShape, rate: float) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield ways to write it: sizes as powers of two or as they are, one learning rate for all or one for each."""
        for rounded in (True, False):
            modules = {name: _placed(knobs, shape, rounded) for name, knobs in self.modules.items()}
            yield modules, {"learning_rate": rate}
            yield {name: {**knobs, "learning_rate": rate} for name, knobs in modules.items()}, {}


def _placed(knobs: Mapping[str, Any], shape: BackboneShape, rounded: bool) -> dict[str, Any]:
    """Return knobs with layers of this backbone, and with sizes as powers of two."""
    written = dict(knobs)
    for name, value in knobs.items():
        unit = relative_unit(value)
        if name == "layers":
            written[name] = _layers(value, shape.layers)
        elif rounded and unit is not None and unit[1] == "d":
            written[name] = 2 ** max(0, round(math.log2(unit[0] * shape.hidden)))
    return written


def _layers(written: str, layers: int) -> list[int]:
    """Return the layers whose middle lies where those of a backbone of another depth are: `0-1,5 of 6`."""
    ranges, _, depth = written.partition(" of ")
    meant = {layer for each in ranges.split(",") for layer in parse_layers(each) or ()}
    return [layer for layer in range(layers) if int((layer + 0.5) / layers * int(depth)) in meant]


def portfolio(space: BoundSpace, learning_rate: float, entries: Sequence[Entry] | None = None) -> list[Configuration]:
    """Return the configurations to begin a search with, the most telling first.

    Args:
        space: The space; entries that it does not hold are left out.
        learning_rate: Peak learning rate of stock LoRA on its backbone.
        entries: The portfolio; the shipped one when left out.
    """
    found = (entry.configuration(space, learning_rate) for entry in (_shipped() if entries is None else entries))
    return list(dict.fromkeys(each for each in found if each is not None))


@cache
def _shipped() -> tuple[Entry, ...]:
    return tuple(Entry(**entry) for entry in yaml.safe_load(PORTFOLIO.read_text(encoding="utf8")))
