"""The choices of a question, and which of them a row says is right."""

from __future__ import annotations

import re
import reprlib
import string
from collections.abc import Sequence
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.spot import Spot
from autopeft.tasks.tables import mended, text_of

__all__ = ["BY_PLACE", "BY_TEXT", "choices_of", "named_by", "right_choice"]

#: What a right choice is named by.
BY_TEXT, BY_PLACE = "text", "index or letter"

#: Digits of an index.
_LONGEST_INDEX = 6


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
        raise DataError(
            f"{spot}: found {reprlib.repr(value)}; expected a list of at least two choices, each a text of its own"
        )
    return choices


def named_by(value: Any, choices: Sequence[str]) -> dict[str, int]:
    """Return which choice a row names, by each way to name one that is possible.

    Args:
        value: What the row has in its column.
        choices: The choices.
    """
    said = mended(text_of(value) or "")
    # Whole numbers with gaps come as 1.0.
    whole = re.sub(r"^(\d+)\.0$", r"\1", said.strip())
    text = next((text for text in (said, whole) if text in choices), None)
    found = {} if text is None else {BY_TEXT: choices.index(text)}
    # A single letter: Python finds the empty text, and "AB", too.
    place = string.ascii_uppercase.find(whole.upper()) if len(whole) == 1 else -1
    if whole.isdecimal() and len(whole) <= _LONGEST_INDEX:
        place = int(whole)
    return found | ({BY_PLACE: place} if 0 <= place < len(choices) else {})


def right_choice(value: Any, choices: Sequence[str], naming: str | None, spot: Spot) -> int:
    """Return the index of the right choice, which a row gives as its text, as that index, or as a letter from A on.

    Args:
        value: What the row has in its column.
        choices: The choices.
        naming: What all rows name choices by, where this one could be read in several ways.
        spot: Where it stands.

    Raises:
        DataError: When it names none of them.
    """
    found = named_by(value, choices)
    if not found:
        raise DataError(
            f"{spot}: found {reprlib.repr(value)}; expected the text of one of the {len(choices)} choices, its index "
            "from 0, or its letter from A"
        )
    if naming in found and len(set(found.values())) > 1:
        spot.remark(f"right choices taken by their {naming}, as in all rows, where another could be meant")
        return found[naming]
    return next(iter(found.values()))
