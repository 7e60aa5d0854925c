"""Inputs that a user gives one by one, in place of the rows of a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.tables import kind_in_words

__all__ = ["texts_given"]


def texts_given(inputs: Sequence[Any], count: int) -> list[tuple[str, ...]]:
    """Return inputs as texts that belong together.

    Args:
        inputs: Texts, or tuples of them.
        count: How many belong together: one or two.

    Raises:
        DataError: When some are of another form.
    """
    found = []
    for number, given in enumerate([inputs] if isinstance(inputs, str) else inputs, 1):
        texts: tuple[Any, ...] = (given,) if isinstance(given, str) else given if isinstance(given, tuple) else ()
        if len(texts) != count or not all(isinstance(text, str) for text in texts):
            expected = "pairs of texts" if count == 2 else "single texts"
            what = f"{len(texts)} texts" if texts else kind_in_words(given)
            raise DataError(f"reads {expected}; found {what} as input {number}")
        found.append(texts)
    return found
