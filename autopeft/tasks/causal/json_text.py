"""Lists and objects that stand in the data as text, as in a CSV file."""

from __future__ import annotations

import ast
import json
import reprlib
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.spot import Spot
from autopeft.tasks.tables import text_of

__all__ = ["json_of", "lines_of", "parsed", "read_text", "without_nulls"]


def json_of(value: Any) -> str:
    """Return plain data as JSON, in one way: the order of keys as it is, dates as text."""
    return json.dumps(value, ensure_ascii=False, default=text_of)


def parsed(value: Any, spot: Spot) -> Any:
    """Return the list or object that a text writes out, as JSON or as Python does; anything else as it is."""
    found, language = read_text(value)
    if language:
        spot.remark(f"{spot.within.rpartition(', ')[2]} read from {language} text")
    return found


def lines_of(value: Any, spot: Spot) -> list[str]:
    """Return the texts of a list of them, as it stands or written out.

    Raises:
        DataError: It is no such list.
    """
    found = parsed(value, spot)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise DataError(f"{spot}: found {reprlib.repr(value)}; expected a list of texts")
    return [spot.text(each) for each in found]


def read_text(value: Any) -> tuple[Any, str]:
    """Return the list or object that a text writes out, and in what language; anything else as it is, in none."""
    if not isinstance(value, str) or value.strip()[:1] not in ("[", "{"):
        return value, ""
    try:
        return json.loads(value), "JSON"
    except (ValueError, RecursionError):
        pass
    try:
        # What is no plain data, a set for one, JSON refuses.
        return json.loads(json.dumps(ast.literal_eval(value.strip()))), "Python"
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return value, ""


def without_nulls(value: Any) -> Any:
    """Return plain data without the keys that hold nothing, which Arrow gives to all objects of a column alike."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value
