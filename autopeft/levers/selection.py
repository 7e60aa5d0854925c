"""Which rows of a pool a trial learns from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.levers.influence import Influence
from autopeft.levers.pool import Pool, Selector
from autopeft.levers.transport import OptimalTransport
from autopeft.space.vocabulary import Knob
from autopeft.space.word_knobs import WordKnob

__all__ = ["SELECT"]


@dataclass(frozen=True)
class AtRandom:
    """Rows at random: what the others are to be better than."""

    name: str = "random"
    source: str = "the baseline of every paper on selection"
    summary: str = "rows at random"
    knobs: tuple[Knob, ...] = ()
    needs: tuple[str, ...] = ()
    scored_by: tuple[str, ...] = ()

    def choose(self, pool: Pool, count: int, knobs: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return rows at random; those of a smaller count are among those of a larger one."""
        return rng.permutation(pool.size)[:count]


_SELECTORS: Mapping[str, Selector] = {each.name: each for each in (AtRandom(), OptimalTransport(), Influence())}

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
