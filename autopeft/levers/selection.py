"""Which rows of a pool a trial learns from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from autopeft.space.vocabulary import Knob
from autopeft.space.word_knobs import WordKnob

__all__ = ["SELECT", "Pool", "Selector"]


@dataclass(frozen=True)
class Pool:
    """The rows to choose from.

    Args:
        size: How many there are.
        scores: What was computed of each beforehand, by name: float64 `[size]`.
    """

    size: int
    scores: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


class Selector(Protocol):
    """A way to choose rows; a word of `select`.

    Attributes:
        name: Its word.
        source: The paper.
        summary: One line for people.
        knobs: Its knobs beside the share.
        needs: Names of the scores that it goes by.
    """

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def knobs(self) -> tuple[Knob, ...]: ...
    @property
    def needs(self) -> tuple[str, ...]: ...

    def choose(self, pool: Pool, count: int, knobs: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the numbers of so many rows of a pool, in any order.

        Args:
            pool: The rows.
            count: How many, at least 1 and at most all.
            knobs: Values of its knobs.
            rng: The source of chance.
        """


@dataclass(frozen=True)
class AtRandom:
    """Rows at random: what the others are to be better than."""

    name: str = "random"
    source: str = "the baseline of every paper on selection"
    summary: str = "rows at random"
    knobs: tuple[Knob, ...] = ()
    needs: tuple[str, ...] = ()

    def choose(self, pool: Pool, count: int, knobs: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return rows at random; those of a smaller count are among those of a larger one."""
        return rng.permutation(pool.size)[:count]


_SELECTORS: Mapping[str, Selector] = {each.name: each for each in (AtRandom(),)}

_SHARE = Knob("share", "float", "share of the rows that are chosen", 0.5, range="10%..100% log", low=0.001, high=1.0)

#: Which rows a trial learns from. It makes as many steps as on all of them.
SELECT: WordKnob[Selector] = WordKnob(
    "select",
    "which of the training rows a trial learns from, in as many steps as from all",
    _SELECTORS,
    nothing="all",
    common=((_SHARE, tuple(_SELECTORS)),),
    section="data",
)
