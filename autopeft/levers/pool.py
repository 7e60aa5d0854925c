"""Rows to choose from, and what a way to choose them has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from autopeft.space.vocabulary import Knob

__all__ = ["Pool", "Selector"]


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
        scored_by: Names of those of its knobs on whose values these scores depend.
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
    @property
    def scored_by(self) -> tuple[str, ...]: ...

    def choose(self, pool: Pool, count: int, knobs: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the numbers of so many rows of a pool, in any order.

        Args:
            pool: The rows.
            count: How many, at least 1 and at most all.
            knobs: Values of its knobs.
            rng: The source of chance.
        """
