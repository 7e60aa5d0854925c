"""How often each row is learned from, by how often a model fails at what it asks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from autopeft.space.vocabulary import Knob
from autopeft.space.word_knobs import Asked, WordKnob

__all__ = ["DIFFICULTY", "FAIL_RATE", "Quotas", "resampled"]

_SOURCE = "DART-Math (Tong et al. 2024, arXiv:2407.13690)"

#: Knob that names the column with the share of failed attempts at what a row asks.
FAIL_RATE = "fail_rate"


class Quotas(Protocol):
    """A rule by which questions get rows; a word of `difficulty`.

    Attributes:
        name: Its word.
        source: The paper.
        summary: One line for people.
        knobs: Its knobs beside those that all have.
    """

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def knobs(self) -> tuple[Knob, ...]: ...

    def weights(self, failed: NDArray[np.float64], knobs: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return for each question its share of what the hardest one gets, 0 to 1.

        Args:
            failed: The share of failed attempts at each, `[questions]`.
            knobs: Values of its knobs.
        """


@dataclass(frozen=True)
class Uniform:
    """As many rows of each question."""

    name: str = "uniform"
    source: str = _SOURCE
    summary: str = "each question as often as any other, however many rows it has"
    knobs: tuple[Knob, ...] = ()

    def weights(self, failed: NDArray[np.float64], knobs: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return ones."""
        return np.ones_like(failed)


@dataclass(frozen=True)
class Proportional:
    """Rows by a power of how often a question is failed (Prop2Diff)."""

    name: str = "proportional"
    source: str = _SOURCE
    summary: str = "each question as often as it is failed, to a power; the easiest once"
    knobs: tuple[Knob, ...] = (
        Knob("power", "float", "power of the share of failed attempts", 1.0, range="0.5 | 1 | 2", low=0.0, high=8.0),
    )

    def weights(self, failed: NDArray[np.float64], knobs: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return the failures over those of the hardest question, to the power; 0 to the power of 0 is 1."""
        hardest = failed.max(initial=0.0)
        shares = failed / hardest if hardest > 0 else np.zeros_like(failed)
        return shares ** float(knobs["power"])


def resampled(questions: Sequence[Hashable], failed: NDArray[np.float64], asked: Asked[Quotas]) -> NDArray[np.int64]:
    """Return which rows are learned from in one round, rising; some more than once.

    A question gets `max(1, ceil(most * weight))` of its rows, in their order, and begins again where it has fewer.

    Args:
        questions: What each row asks, `[n]`.
        failed: The share of failed attempts at it, `[n]`; that of a question is the mean of its rows.
        asked: The rule and its knobs.
    """
    rows: dict[Hashable, list[int]] = {}
    for row, question in enumerate(questions):
        rows.setdefault(question, []).append(row)
    of_questions = np.asarray([failed[own].mean() for own in rows.values()])
    weights = asked.word.weights(of_questions, asked.knobs)
    # What is a whole number but for rounding is that number.
    quotas = np.maximum(1, np.ceil(asked.knobs["most"] * weights - 1e-9)).astype(int)
    found = [own[place % len(own)] for own, quota in zip(rows.values(), quotas, strict=True) for place in range(quota)]
    return np.sort(np.asarray(found, dtype=np.int64))


_RULES: Mapping[str, Quotas] = {each.name: each for each in (Uniform(), Proportional())}

#: How often each row is learned from.
DIFFICULTY: WordKnob[Quotas] = WordKnob(
    "difficulty",
    "how often each row is learned from, by how often what it asks is failed",
    _RULES,
    common=(
        (
            Knob("most", "int", "rows of the hardest question in a round", 4, range="2..16 by x2", low=1, high=1024),
            tuple(_RULES),
        ),
        (
            Knob(FAIL_RATE, "name", "column with the share of failed attempts, 0 to 1", "fail_rate"),
            # The others do not look at it.
            ("proportional",),
        ),
    ),
    section="data",
)
