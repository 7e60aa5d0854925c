"""Which entities tags name, and how many of them are told, as `conlleval` counts (Tjong Kim Sang and Buchholz 2000,
"Introduction to the CoNLL-2000 shared task"), and seqeval with its default mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks.tokens.scheme import type_of

__all__ = ["EntityCounts", "count_entities", "f1_of", "spans_of"]

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class EntityCounts:
    """How many entities there are, and how many are told.

    Args:
        types: The types of entities.
        right: Those that are told with their very words and type: by sentence, and by type.
        told: Those that are told.
        there: Those that there are.
    """

    types: tuple[str, ...]
    right: tuple[Numbers, Numbers]
    told: tuple[Numbers, Numbers]
    there: tuple[Numbers, Numbers]

    @property
    def f1(self) -> float:
        """F1 over all entities, in 0..1; 0 where there are none and none are told."""
        return float(f1_of(*(each[0].sum() for each in (self.right, self.told, self.there))))

    @property
    def f1_without(self) -> NDArray[np.float64]:
        """F1 over the entities of all sentences but one, for each sentence, `[sentences]`."""
        rest = (each[0].sum() - each[0] for each in (self.right, self.told, self.there))
        return f1_of(*rest)


def f1_of(
    right: NDArray[np.int64] | np.int64, told: NDArray[np.int64] | np.int64, there: NDArray[np.int64] | np.int64
) -> NDArray[np.float64]:
    """Return F1 of counts; 0 where nothing is told and nothing is there."""
    return np.asarray(2.0 * right / np.maximum(told + there, 1))


def count_entities(labels: Sequence[str], sentence: Numbers, truth: Numbers, told: Numbers) -> EntityCounts:
    """Count the entities of words that stand one after the other.

    Args:
        labels: The tags, by number.
        sentence: The number of each word's sentence, rising from 0, `[n]`.
        truth: The number of the tag that each word has, `[n]`.
        told: That which it is told to have, `[n]`.
    """
    types, numbers, marks = _codes(labels)
    there, there_end = _spans(marks[truth], numbers[truth], sentence)
    guessed, guessed_end = _spans(marks[told], numbers[told], sentence)
    right = there & guessed & (there_end == guessed_end) & (numbers[truth] == numbers[told])
    sentences = int(sentence[-1]) + 1 if len(sentence) else 0

    def counts(starts: NDArray[np.bool_], tags: Numbers) -> tuple[Numbers, Numbers]:
        return (
            np.bincount(sentence[starts], minlength=sentences),
            np.bincount(numbers[tags[starts]], minlength=len(types)),
        )

    return EntityCounts(types, counts(right, truth), counts(guessed, told), counts(there, truth))


def spans_of(labels: Sequence[str], tags: Sequence[int]) -> list[tuple[int, int, str]]:
    """Return the entities of a sentence: the first word, after the last word, and the type.

    Args:
        labels: The tags, by number.
        tags: The number of the tag of each word.
    """
    types, numbers, marks = _codes(labels)
    found = np.array(tags, np.int64)
    starts, last = _spans(marks[found], numbers[found], np.zeros(len(found), np.int64))
    return [(int(at), int(last[at]) + 1, types[numbers[found[at]]]) for at in np.flatnonzero(starts)]


def _codes(labels: Sequence[str]) -> tuple[tuple[str, ...], Numbers, NDArray[np.str_]]:
    """Return the types of entities, and of each tag the number of its type, -1 for none, and its prefix."""
    named = [type_of(label) for label in labels]
    types = tuple(sorted({name for name in named if name is not None}))
    numbers = np.array([-1 if name is None else types.index(name) for name in named])
    return types, numbers, np.array([label[:1] for label in labels])


def _spans(marks: NDArray[np.str_], types: Numbers, sentence: Numbers) -> tuple[NDArray[np.bool_], Numbers]:
    """Return which words begin an entity, and for these which word is its last; whatever order the prefixes are in."""
    inside = types >= 0
    after = np.zeros(len(marks), bool)
    after[1:] = inside[:-1] & (sentence[1:] == sentence[:-1])
    fresh = np.isin(marks, ("B", "S"))
    fresh[1:] |= np.isin(marks[:-1], ("E", "S")) | (types[1:] != types[:-1])
    starts = inside & (fresh | ~after)
    # The next word is in the same entity where it is in one after this, and does not begin it.
    goes_on = np.zeros(len(marks), bool)
    goes_on[:-1] = (inside & after & ~starts)[1:]
    last = np.full(len(marks), -1)
    last[starts] = np.flatnonzero(inside & ~goes_on)
    return starts, last
