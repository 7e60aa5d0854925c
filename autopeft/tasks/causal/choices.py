"""The choices of a question, and which of them a row says is right."""

from __future__ import annotations

import string
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.spot import Spot
from autopeft.tasks.tables import text_of

__all__ = ["choices_of", "right_choice"]


def choices_of(value: Any, spot: Spot) -> tuple[str, ...]:
    """Return the choices of a row.

    Args:
        value: What the row has in its column.
        spot: Where it stands.

    Raises:
        DataError: When they are not two or more different texts.
    """
    texts = [text_of(each) for each in value] if isinstance(value, list | tuple) else []
    choices = tuple(spot.text(text) for text in texts if text is not None and text.strip())
    if len(choices) < 2 or len(choices) < len(texts) or len(set(choices)) < len(choices):
        raise DataError(f"{spot}: found {value!r}; expected a list of at least two choices, each a text of its own")
    return choices


def right_choice(value: Any, choices: tuple[str, ...], place: str) -> int:
    """Return the index of the right choice, which a row gives as its text, as that index, or as a letter from A on.

    Args:
        value: What the row has in its column.
        choices: The choices.
        place: Where it stands, for messages.

    Raises:
        DataError: When it names none of them.
    """
    if value in choices:
        return choices.index(value)
    # A column of whole numbers with gaps comes as floats.
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    text = str(whole).strip().upper()
    # A single letter: Python finds the empty text, and "AB", too.
    letter = string.ascii_uppercase.find(text) if len(text) == 1 else -1
    index = int(text) if text.isdecimal() else letter
    if not 0 <= index < len(choices):
        raise DataError(
            f"{place}: found {value!r}; expected the text of one of the {len(choices)} choices, its index from 0, "
            "or its letter from A"
        )
    return index
