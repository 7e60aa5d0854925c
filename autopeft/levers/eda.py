"""Easy data augmentation: small changes of the words of a text, by chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from autopeft.levers.neighbours import key_of

__all__ = ["changed"]

#: What may be put in a word's place, by `key_of`.
Others = Mapping[str, Sequence[str]]


def changed(text: str, rate: float, others: Others, rng: np.random.Generator) -> str:
    """Return a text changed in one of four ways, drawn by chance (Wei & Zou 2019, arXiv:1901.11196, section 2).

    Words are replaced by others, others are inserted, words are swapped, each as often as `rate` times the words of the
    text, at least once; or each word is deleted with a chance of `rate`, one staying at least. Words are what blanks
    part; with a rate of 0, or none at all, nothing is changed.

    Args:
        text: The text.
        rate: How much of it.
        others: Words that stand in for synonyms.
        rng: The source of chance.
    """
    words = text.split()
    if not words or rate == 0:
        return text
    operation = _OPERATIONS[int(rng.integers(len(_OPERATIONS)))]
    return " ".join(operation(words, rate, others, rng))


def _count(words: Sequence[str], rate: float) -> int:
    return max(1, int(rate * len(words)))


def _replaced(words: list[str], rate: float, others: Others, rng: np.random.Generator) -> list[str]:
    """Put other words in the place of so many; one that comes several times is replaced wherever it does."""
    known = list(dict.fromkeys(key for key in map(key_of, words) if key in others))
    found = list(words)
    for number in rng.permutation(len(known))[: _count(words, rate)]:
        key, other = known[number], _one_of(others[known[number]], rng)
        found = [_like(word, key, other) if key_of(word) == key else word for word in found]
    return found


def _inserted(words: list[str], rate: float, others: Others, rng: np.random.Generator) -> list[str]:
    """Put words that stand in for some of the text's anywhere into it."""
    known = [key for key in map(key_of, words) if key in others]
    found = list(words)
    for _ in range(_count(words, rate) if known else 0):
        other = _one_of(others[_one_of(known, rng)], rng)
        found.insert(int(rng.integers(len(found) + 1)), other)
    return found


def _swapped(words: list[str], rate: float, others: Others, rng: np.random.Generator) -> list[str]:
    """Swap two words, again and again."""
    found = list(words)
    for _ in range(_count(words, rate) if len(words) > 1 else 0):
        one, other = rng.permutation(len(found))[:2]
        found[one], found[other] = found[other], found[one]
    return found


def _deleted(words: list[str], rate: float, others: Others, rng: np.random.Generator) -> list[str]:
    """Leave words out."""
    kept = [word for word, drawn in zip(words, rng.random(len(words)), strict=True) if drawn >= rate]
    return kept or [_one_of(words, rng)]


_OPERATIONS: tuple[Callable[[list[str], float, Others, np.random.Generator], list[str]], ...] = (
    _replaced,
    _inserted,
    _swapped,
    _deleted,
)


def _one_of(words: Sequence[str], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]


def _like(word: str, key: str, other: str) -> str:
    """Write another word as one is written: with its punctuation and its first letter's case."""
    start = word.lower().find(key)
    if start < 0:
        return other
    cased = other[:1].upper() + other[1:] if word[start].isupper() else other
    return word[:start] + cased + word[start + len(key) :]
