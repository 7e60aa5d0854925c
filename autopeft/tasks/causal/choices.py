"""The choices of a question, and which of them a row says is right."""

from __future__ import annotations

import string
from typing import Any

from autopeft.errors import DataError

__all__ = ["choices_of", "right_choice"]


def choices_of(value: Any, place: str) -> tuple[str, ...]:
    """Return the choices of a row.

    Args:
        value: What the row has in its column.
        place: Where it stands, for messages.

    Raises:
        DataError: When they are not two or more different texts.
    """
    choices = tuple(map(str, value)) if isinstance(value, list | tuple) else ()
    if len(choices) < 2 or not all(map(str.strip, choices)) or len(set(choices)) < len(choices):
        raise DataError(f"{place}: found {value!r}; expected a list of at least two choices, each a text of its own")
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
    text = str(value).strip().upper()
    # A single letter: Python finds the empty text, and "AB", too.
    letter = string.ascii_uppercase.find(text) if len(text) == 1 else -1
    index = int(text) if text.isdecimal() else letter
    if not 0 <= index < len(choices):
        raise DataError(
            f"{place}: found {value!r}; expected the text of one of the {len(choices)} choices, its index from 0, "
            "or its letter from A"
        )
    return index
