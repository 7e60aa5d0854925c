"""Numbers of configurations: plain, or relative to the backbone's sizes or to a rank."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from autopeft.space.vocabulary import Knob

__all__ = ["OFF", "check_value", "number", "relative_unit", "settle"]

#: Words that take a method out of a place. YAML reads a bare `off` as False.
OFF = ("off", False)

#: What says yes and no; `off` is for places only.
_TRUTH = {True: True, False: False, "true": True, "false": False}

_RELATIVE = re.compile(r"(?:(\d+(?:\.\d+)?(?:e-?\d+)?)\s*\*?\s*)?([dfrw])(?:\s*/\s*(\d+(?:\.\d+)?))?")


def number(value: Any) -> int | float | None:
    """Read a finite number, written as a number or as text such as `1e-5` or `0.1%`; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = _from_text(value.strip()) if isinstance(value, str) else value
        return found if math.isfinite(found) else None
    except (ValueError, OverflowError):
        # A whole number may be too large for a float.
        return None


def relative_unit(value: Any) -> tuple[float, str] | None:
    """Read `d`, `d/4`, `2d`, `1.5r`, `5e-4w` as factor and unit; None when it is not of that form."""
    match = _RELATIVE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not (divisor := float(match[3] or 1)):
        return None
    factor = float(match[1] or 1) / divisor
    # Ten digits more than any size has.
    return (factor, match[2]) if factor < 1e20 else None


def settle(knob: Knob, value: Any, units: Mapping[str, float]) -> Any:
    """Turn a written value of a knob into what a configuration stores.

    Relative sizes of `int` knobs are rounded down, at least 1. `off` is 0.

    Args:
        knob: The knob.
        value: What was written.
        units: Sizes of the units that have one here.

    Returns:
        An int, a float (4 significant digits), a truth value, a word or a text; None when the value is none of the
        knob's kind.
    """
    if knob.gate and any(value is off or value == off for off in OFF):
        return 0
    if knob.kind == "bool":
        word = value.strip().lower() if isinstance(value, str) else value
        return _TRUTH.get(word) if isinstance(word, str | bool | int) else None
    if knob.kind in ("choice", "name"):
        return value if isinstance(value, str) else None
    if knob.kind == "text":
        return value if isinstance(value, str) and value.strip() else None
    plain = number(value)
    if plain is None:
        relative = relative_unit(value)
        if relative is None or relative[1] not in knob.relative or relative[1] not in units:
            return None
        # What it is relative to may have no bound.
        plain = number(relative[0] * units[relative[1]])
        if plain is None:
            return None
        if knob.kind == "int":
            plain = max(1, int(plain + 1e-9))
    if knob.kind == "int":
        return int(plain) if float(plain).is_integer() else None
    # The largest floats are beyond all floats when rounded.
    return number(float(f"{plain:.4g}"))


def check_value(knob: Knob, value: Any) -> str | None:
    """Return what a settled value should have been, or None when it is legal."""
    if knob.kind in ("bool", "name", "text"):
        return None
    if knob.kind == "choice":
        if value in knob.lacking:
            return f"what is installed: {value} needs {knob.lacking[value]}"
        return None if value in knob.choices else f"one of {', '.join(knob.choices)}"
    if value == 0 and knob.gate:
        return None
    if knob.low is not None and value < knob.low:
        return f"at least {knob.low:g}"
    if knob.high is not None and value > knob.high:
        return f"at most {knob.high:g}"
    return None


def _from_text(text: str) -> int | float:
    if text.endswith("%"):
        return float(text[:-1]) / 100
    try:
        return int(text)
    except ValueError:
        return float(text)
