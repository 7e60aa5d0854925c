"""Further forms in which training rows are seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Protocol

import numpy as np

from autopeft.levers.eda import changed
from autopeft.levers.neighbours import neighbours
from autopeft.space.vocabulary import Knob
from autopeft.space.word_knobs import WordKnob

__all__ = ["AUGMENT", "Augmentation", "Rows"]

_SOURCE = "Obadinma et al. 2023, arXiv:2303.02577"


@dataclass(frozen=True)
class Rows:
    """Training rows whose texts are augmented.

    Args:
        texts: The texts of each, one or two.
        numbers: Their numbers among all training rows, by which chance knows them.
        column: Returns what rows have in a further column, None where they have nothing.
        seed: The source of chance.
        labels: The numbers of the labels of each; None where there are none.
    """

    texts: Sequence[tuple[str, ...]]
    numbers: Sequence[int]
    column: Callable[[str], Sequence[str | None]]
    seed: int
    labels: Sequence[Collection[int]] | None = None

    @cached_property
    def others(self) -> Mapping[str, Sequence[str]]:
        """Words that stand in for synonyms of those of the texts; see `neighbours`."""
        labels = self.labels
        if labels is not None:
            labels = [of for of, texts in zip(labels, self.texts, strict=True) for _ in texts]
        return neighbours(chain.from_iterable(self.texts), labels)


class Augmentation(Protocol):
    """A way to see rows in further forms; a word of `augment`.

    Attributes:
        name: Its word.
        source: The paper.
        summary: One line for people.
        knobs: Its knobs.
        rewrites: Whether it makes further texts; else it changes the loss.
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
    def rewrites(self) -> bool: ...

    def copies(self, rows: Rows, knobs: Mapping[str, Any]) -> list[Sequence[tuple[str, ...]]]:
        """Return the texts of the rows in their further forms, each of which has all rows, `[forms][rows]`.

        Args:
            rows: The rows.
            knobs: Values of its knobs.
        """


@dataclass(frozen=True)
class Eda:
    """Texts with some words replaced, inserted, swapped or left out."""

    name: str = "eda"
    source: str = f"Wei & Zou 2019, arXiv:1901.11196; {_SOURCE}"
    summary: str = "each text also with words replaced, inserted, swapped or left out"
    knobs: tuple[Knob, ...] = (
        Knob("rate", "float", "share of the words that are changed", 0.1, range="0.05..0.2", low=0.0, high=1.0),
        Knob("number", "int", "changed copies of each row", 4, range="1..16 by x2", low=1, high=64),
    )
    rewrites: bool = True

    def copies(self, rows: Rows, knobs: Mapping[str, Any]) -> list[Sequence[tuple[str, ...]]]:
        """Return changed copies; what one is depends on the row, its number among the copies and the seed."""
        found: list[Sequence[tuple[str, ...]]] = []
        for copy in range(knobs["number"]):
            form = []
            for number, texts in zip(rows.numbers, rows.texts, strict=True):
                rng = np.random.default_rng((rows.seed, 3, copy, number))
                form.append(tuple(changed(text, knobs["rate"], rows.others, rng) for text in texts))
            found.append(form)
        return found


@dataclass(frozen=True)
class BackTranslation:
    """Texts as they came back from another language; somebody else translated them."""

    name: str = "back_translation"
    source: str = f"Sennrich et al. 2016, arXiv:1511.06709; {_SOURCE}"
    summary: str = "each text also as another column has it, as often as itself"
    knobs: tuple[Knob, ...] = (Knob("column", "name", "column with the texts translated back", "back_translation"),)
    rewrites: bool = True

    def copies(self, rows: Rows, knobs: Mapping[str, Any]) -> list[Sequence[tuple[str, ...]]]:
        """Return one copy, whose first texts are those of the column where rows have something there."""
        cells = rows.column(knobs["column"])
        return [
            [
                texts if cell is None else (cell.strip(), *texts[1:])
                for cell, texts in zip(cells, rows.texts, strict=True)
            ]
        ]


@dataclass(frozen=True)
class Mixup:
    """Examples mixed with others; what it computes is `autopeft.trials.mixing.mixed`."""

    name: str = "mixup"
    source: str = "Zhang et al. 2018, arXiv:1710.09412; of texts Guo et al. 2019, arXiv:1905.08941 (senMixup)"
    summary: str = "what the head reads of an example is mixed with that of another, and their losses likewise"
    knobs: tuple[Knob, ...] = (
        Knob(
            "alpha",
            "float",
            "both parameters of the Beta distribution of how much of each is mixed; with 0 nothing is",
            0.4,
            range="0.1..1 log",
            low=0.0,
            high=100.0,
        ),
    )
    rewrites: bool = False

    def copies(self, rows: Rows, knobs: Mapping[str, Any]) -> list[Sequence[tuple[str, ...]]]:
        """Return nothing."""
        return []


#: The further forms of training rows.
AUGMENT: WordKnob[Augmentation] = WordKnob(
    "augment",
    "further forms in which training rows are seen, in as many steps as without",
    {each.name: each for each in (Eda(), Mixup(), BackTranslation())},
    section="data",
)
