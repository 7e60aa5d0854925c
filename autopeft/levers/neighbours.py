"""Words that take the same places in some texts: they stand in for synonyms where there is no dictionary of these."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

__all__ = ["key_of", "neighbours"]

#: Words that are looked at, the commonest, each at least so often: of rarer ones nothing is known.
_WORDS, _LEAST = 5_000, 2

#: Words that stand in for one, at most, and how many words beside them two words must share: one may be chance.
_NEAREST, _SHARED = 5, 2

#: Similarities that are held at once: rows of so many words.
_CHUNK = 500

#: Standard errors beyond which a label is there more often than chance has it, and what says that of no label.
_ERRORS, _NEITHER = 1.96, -1

_EDGES = string.punctuation + "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{HORIZONTAL ELLIPSIS}"


def key_of(word: str) -> str:
    """Return a word as it is known again: without punctuation around it, in lower case."""
    return word.strip(_EDGES).lower()


def neighbours(texts: Iterable[str], labels: Iterable[Collection[int]] | None = None) -> dict[str, tuple[str, ...]]:
    """Return for words of some texts others that stand between the same words, the nearest first.

    Words are compared by the cosine of their positive pointwise mutual information with the words right before and
    right after them (Bullinaria & Levy 2007, "Extracting semantic representations from word co-occurrence statistics",
    with a window of one and a side to each place). So neighbours are of the same sort, but may be opposites: where
    texts have labels, words that come with one more often than chance are no neighbours of those that do with another.

    Args:
        texts: The texts, whose words blanks part.
        labels: The numbers of those of each text.

    Returns:
        Up to five for each word that has any; by `key_of`.
    """
    rows = [[key for key in map(key_of, text.split()) if key] for text in texts]
    counts = Counter(word for row in rows for word in row)
    known = [word for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count >= _LEAST]
    known = known[:_WORDS]
    if not known:
        return {}
    numbers = {word: number for number, word in enumerate(known)}
    vectors = _vectors(rows, numbers)
    beside, leaning = vectors.sign(), _leanings(rows, numbers, labels)
    found: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(known), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        similar = (vectors[chunk] @ vectors.T).toarray()
        similar[(beside[chunk] @ beside.T).toarray() < _SHARED] = 0
        lean = leaning[chunk, None]
        similar[(lean != leaning) & (lean != _NEITHER) & (leaning != _NEITHER)] = 0
        own = np.arange(len(similar))
        similar[own, start + own] = 0
        for word, values in zip(known[start:], similar, strict=False):
            # Of equals the commoner word, whatever the machine.
            best = np.argsort(-values.round(6), kind="stable")[:_NEAREST]
            others = tuple(known[number] for number in best if values[number] > 0)
            if others:
                found[word] = others
    return found


def _leanings(
    rows: Sequence[Sequence[str]], numbers: Mapping[str, int], labels: Iterable[Collection[int]] | None
) -> NDArray[np.int64]:
    """Return the label that the texts with a word have more often than chance has it, by most errors, `[words]`."""
    told = [[*each] for each in labels] if labels is not None else []
    count = 1 + max((label for each in told for label in each), default=-1)
    if not count:
        return np.full(len(numbers), _NEITHER)
    seen, texts, with_label = np.zeros((len(numbers), count)), np.zeros((len(numbers), 1)), np.zeros(count)
    for row, each in zip(rows, told, strict=True):
        words = [numbers[word] for word in dict.fromkeys(row) if word in numbers]
        texts[words] += 1
        with_label[each] += 1
        seen[np.ix_(words, each)] += 1
    share = with_label / len(told)
    errors = np.sqrt(texts * share * (1 - share))
    above = np.divide(seen - texts * share, errors, out=np.zeros_like(seen), where=errors > 0)
    return np.where(above.max(axis=1) > _ERRORS, above.argmax(axis=1), _NEITHER)


def _vectors(rows: Sequence[Sequence[str]], numbers: dict[str, int]) -> csr_matrix:
    """Return the mutual information of each word with what stands beside it, of length 1, `[words, 2 words]`."""
    seen = Counter[tuple[int, int]]()
    for row in rows:
        places = [numbers.get(word, -1) for word in row]
        for left, right in pairwise(places):
            if left >= 0 and right >= 0:
                seen[(right, left)] += 1
                seen[(left, len(numbers) + right)] += 1
    found = sorted(seen)
    cells = np.array(found, np.int64).reshape(-1, 2)
    values: NDArray[np.float64] = np.array([seen[cell] for cell in found], np.float64)
    of_word = np.bincount(cells[:, 0], values, len(numbers))
    of_context = np.bincount(cells[:, 1], values, 2 * len(numbers))
    shared = np.log(values * values.sum() / (of_word[cells[:, 0]] * of_context[cells[:, 1]])).clip(min=0)
    lengths = np.sqrt(np.bincount(cells[:, 0], shared**2, len(numbers)))
    shared /= np.where(lengths > 0, lengths, 1.0)[cells[:, 0]]
    return csr_matrix((shared, (cells[:, 0], cells[:, 1])), shape=(len(numbers), 2 * len(numbers)))
