"""What a cell says as text, alike whatever source it stands in."""

from __future__ import annotations

import datetime
import json
import math
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

__all__ = ["Unreadable", "is_missing", "kind_in_words", "mended", "text_of"]

#: Halves of characters beyond the first 65,536, which JSON can hold alone and no tokenizer takes.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


#: What shows nothing: blanks, and letters of no width, with which `str.strip` would stop.
_INVISIBLE = (
    string.whitespace
    + "\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\u200b\u200c\u200d\u2060\ufeff"
    + "".join(map(chr, range(0x2000, 0x200B)))
)


@dataclass(frozen=True)
class Unreadable:
    """What a source holds in a cell, but no text can be made of.

    Args:
        kind: What it is, in words.
        raw: Its bytes, where it is some.
    """

    kind: str
    raw: bytes | None = None


def is_missing(value: Any) -> bool:
    """Tell whether a cell holds nothing: None, not a number, no text but blanks."""
    if isinstance(value, str):
        return not value.strip(_INVISIBLE)
    return value is None or (isinstance(value, float | Decimal) and math.isnan(value))


def text_of(value: Any) -> str | None:
    """Return what a cell says as text: JSON's numbers, `true` and `false`, ISO dates; None for what is no text.

    Args:
        value: A value of a row.

    Returns:
        The text; line ends in it are `\\n`. None for lists, mappings and bytes.
    """
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value
    match value:
        case bool() | int() | float():
            return json.dumps(value)
        case Decimal():
            return str(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
    return None


def mended(text: str) -> str:
    """Return a text with what no tokenizer takes replaced by U+FFFD."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def kind_in_words(value: Any) -> str:
    """Say what a value is, for messages."""
    match value:
        case None:
            return "nothing"
        case []:
            return "an empty list"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
        case bool():
            return f"{value}".lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return "a text"
        case bytes():
            return "bytes"
        case Unreadable():
            return value.kind
    return f"a {type(value).__name__}"
