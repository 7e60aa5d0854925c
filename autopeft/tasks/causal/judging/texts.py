"""How good a generated text is, held against the text that was wanted alone: 1 is perfect."""

from __future__ import annotations

import re
import string
from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal

__all__ = ["exact_match", "rouge_l", "token_f1"]

#: What stands before the answer where a solution leads up to it.
_MARK = "####"
_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?|-?\$?\.\d+")
_ARTICLE = re.compile(r"\b(a|an|the)\b")
_ROUGE_TOKEN = re.compile(r"[a-z0-9]+")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact_match(text: str, wanted: str) -> float:
    """Tell whether the answers agree: 1.0 or 0.0.

    Where a number follows `####` in the wanted text, as in GSM8K, it is the answer, and that of the generated text
    is the number after its `####`, or else its last one (Cobbe et al. 2021, arXiv:2110.14168). Otherwise the whole
    texts are compared as SQuAD does.
    """
    answer = _NUMBER.match(wanted.rpartition(_MARK)[2].lstrip()) if _MARK in wanted else None
    if answer is None:
        return float(_words(text) == _words(wanted))
    found = _NUMBER.match(text.rpartition(_MARK)[2].lstrip()) if _MARK in text else None
    last = found[0] if found else next(reversed(_NUMBER.findall(text)), None)
    return float(last is not None and _value(last) == _value(answer[0]))


def rouge_l(text: str, wanted: str) -> float:
    """Return the F-measure of the longest common subsequence of words (Lin 2004, ROUGE), without stemming."""
    one, other = (_ROUGE_TOKEN.findall(each.lower()) for each in (text, wanted))
    return _f_measure(_longest_common(one, other), len(one), len(other))


def token_f1(text: str, wanted: str) -> float:
    """Return the F-measure of common words, whatever their order (Rajpurkar et al. 2016, arXiv:1606.05250)."""
    one, other = _words(text), _words(wanted)
    if not one or not other:
        return float(one == other)
    return _f_measure((Counter(one) & Counter(other)).total(), len(one), len(other))


def _value(number: str) -> Decimal:
    return Decimal(number.replace(",", "").replace("$", ""))


def _words(text: str) -> list[str]:
    """Return the words of a text as SQuAD compares them: small, without punctuation and articles."""
    return _ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def _f_measure(common: int, one: int, other: int) -> float:
    """Return the harmonic mean of the shares of two texts' words that are common."""
    return 2 * common / (one + other) if common else 0.0


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, a row of the table in one integer (Hyyrö 2004)."""
    places: dict[str, int] = defaultdict(int)
    for place, word in enumerate(one):
        places[word] |= 1 << place
    row = full = (1 << len(one)) - 1
    for word in other:
        matched = row & places[word]
        row = ((row + matched) | (row - matched)) & full
    return len(one) - row.bit_count()
