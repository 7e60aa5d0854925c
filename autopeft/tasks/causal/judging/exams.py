"""Points for answers to questions of an exam, as the ZNO gives them (Syromiatnikov et al. 2025, arXiv:2503.13988).

The key of a question with a single right choice is one letter; that of one whose items are to be matched has a letter
for each item, and every right one earns its part of the points.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Sequence

from autopeft.errors import DataError
from autopeft.tasks.causal.judging.beside import Beside, Column, number_in
from autopeft.tasks.causal.judging.metric import AnswerMetric, Judged

__all__ = ["EXAM_POINTS"]

#: What stands before the letters where a solution leads up to them.
_KEYWORD = re.compile(r"(?:answer|відповідь)\s*:", re.IGNORECASE)

#: No key has more letters.
_MOST_LETTERS = 10

_GRADE = "grade"


def _points(text: str, wanted: str, beside: Beside) -> float:
    """Return the share of the points of a question that an answer earns; none with more letters than the key has."""
    key, said = _letters(wanted), _letters(text)
    if len(said) > min(len(key), _MOST_LETTERS):
        return 0.0
    return sum(one == other for one, other in zip(key, said, strict=False)) / len(key)


def _letters(text: str) -> str:
    """Return the letters after the last keyword, in capitals; those of the whole text where there is no keyword."""
    found = [*_KEYWORD.finditer(text)]
    return "".join(letter for letter in text[found[-1].end() if found else 0 :] if letter.isalpha()).upper()


def _check(judged: Sequence[Judged]) -> None:
    """Refuse answers of the data that are no key."""
    for wanted, _ in judged:
        if not 1 <= len(_letters(wanted)) <= _MOST_LETTERS:
            raise DataError(
                f"the answer {reprlib.repr(wanted)} of the data is no key of an exam; expected 1 to {_MOST_LETTERS} "
                "letters, alone or after 'Answer:'. Mend it, or use another metric"
            )


EXAM_POINTS = AnswerMetric(_points, columns=(Column(_GRADE, number_in, otherwise=1.0),), weight=_GRADE, check=_check)
