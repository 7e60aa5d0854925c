"""Domains: the values a knob may take, once a grammar tree meets its knob and a backbone's sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autopeft.space.grammar import GrammarError, Range, Subset, Values, Word
from autopeft.space.quantity import OFF, check_value, number, relative_unit, settle
from autopeft.space.vocabulary import WORDY, Knob

__all__ = ["Continuous", "Grid", "OfRank", "domain"]

#: Stand-in sizes that let a space be checked for its grammar before any backbone is known.
_LONGEST = 10_000


@dataclass(frozen=True)
class OfRank:
    """A value that is a multiple of the gate knob's value at the same place, e.g. alpha = 2r."""

    factor: float
    whole: bool = False

    def at(self, rank: float) -> int | float:
        """Return the value where the gate knob has this value, a whole number of at least 1 for an `int` knob."""
        value = self.factor * rank
        return max(1, int(value + 1e-9)) if self.whole else float(f"{value:.4g}")

    def __str__(self) -> str:
        return f"{self.factor:g}r"


@dataclass(frozen=True)
class Grid:
    """Finitely many values.

    Args:
        values: The values, duplicates dropped; numbers from small to large.
        ordered: Whether neighbours in `values` are near each other.
    """

    values: tuple[Any, ...]
    ordered: bool


@dataclass(frozen=True)
class Continuous:
    """All numbers from low to high."""

    low: float
    high: float
    log: bool


def domain(knob: Knob, values: Values, units: Mapping[str, float]) -> Grid | Continuous:
    """Return the values that a knob may take.

    Sizes relative to the backbone are rounded down, at least 1, and duplicates dropped.

    Args:
        knob: The knob; not a `roles` knob.
        values: What the space says.
        units: The backbone's sizes by unit (`d`, `f`).

    Raises:
        GrammarError: Saying what was expected.
    """
    if len(values.choices) == 1 and isinstance(values.choices[0], Range):
        only = values.choices[0]
        if knob.kind == "float" and only.step is None:
            return _continuous(knob, only, units)
    found: list[Any] = []
    for choice in values.choices:
        if isinstance(choice, Subset):
            raise GrammarError("values; `subset of` is for targets and layers")
        if isinstance(choice, Range):
            found.extend(_range(knob, choice, units))
        else:
            found.append(_word(knob, choice, units))
    if knob.kind in WORDY:
        return Grid(tuple(dict.fromkeys(found)), ordered=False)
    if found == [None]:
        return Grid((None,), ordered=True)
    return Grid(tuple(sorted(dict.fromkeys(found), key=_position)), ordered=True)


def _position(value: Any) -> tuple[bool, float]:
    return (True, value.factor) if isinstance(value, OfRank) else (False, value)


def _word(knob: Knob, word: Word, units: Mapping[str, float]) -> Any:
    if word.value is None and knob.optional:
        return None
    relative = relative_unit(word.value)
    if relative is not None and relative[1] == "r" and "r" in knob.relative:
        return OfRank(relative[0], whole=knob.kind == "int")
    value = settle(knob, word.value, units)
    expected = _expected(knob) if value is None else check_value(knob, value)
    if expected is not None:
        raise GrammarError(expected)
    return value


def _range(knob: Knob, written: Range, units: Mapping[str, float]) -> list[Any]:
    if knob.kind in WORDY:
        raise GrammarError(_expected(knob))
    low, high = _ends(knob, written, units)
    if written.log:
        raise GrammarError("`by x2` or a single `low..high log` of a float knob")
    if written.step is None:
        if knob.kind == "float":
            raise GrammarError("`by` in a range that stands beside alternatives")
        step, multiply = 1.0, False
    else:
        multiply = written.step.startswith("x")
        step = float(written.step.lstrip("x"))
    if step <= (1 if multiply else 0):
        raise GrammarError("a step above 1 after `x`, above 0 otherwise")
    if multiply and low <= 0:
        raise GrammarError("a lower end above 0 for a range `by x`")
    raw = []
    value = low
    while value <= high * (1 + 1e-9):
        raw.append(value)
        if len(raw) > _LONGEST:
            raise GrammarError(f"at most {_LONGEST} values in a range")
        value = value * step if multiply else value + step
    # Steps from a relative end, or by a factor, need not meet whole numbers.
    rounded = knob.kind == "int" and (multiply or number(written.low) is None)
    whole = [max(1, int(value + 1e-9)) for value in raw] if rounded else raw
    return [_word(knob, Word(value), units) for value in whole]


def _continuous(knob: Knob, written: Range, units: Mapping[str, float]) -> Continuous:
    # Configurations keep 4 digits, so the ends do too.
    low, high = (float(f"{end:.4g}") for end in _ends(knob, written, units))
    for end in (low, high):
        expected = check_value(knob, end)
        if expected:
            raise GrammarError(expected)
    if written.log and low <= 0:
        raise GrammarError("a lower end above 0 for a `log` range")
    return Continuous(low, high, written.log)


def _ends(knob: Knob, written: Range, units: Mapping[str, float]) -> tuple[float, float]:
    ends = []
    for text in (written.low, written.high):
        plain = number(text)
        relative = relative_unit(text)
        if plain is None and relative is not None and relative[1] in knob.relative and relative[1] in units:
            plain = relative[0] * units[relative[1]]
        if plain is None:
            raise GrammarError(f"a range of {_expected(knob)}; {text!r} is none")
        ends.append(float(plain))
    if ends[0] >= ends[1]:
        raise GrammarError(f"a lower end below the upper end; {written.low} is not below {written.high}")
    return ends[0], ends[1]


def _expected(knob: Knob) -> str:
    if knob.kind == "choice":
        return f"one of {', '.join(knob.choices)}"
    if knob.kind == "bool":
        return "true or false"
    if knob.kind == "name":
        return "names"
    if knob.kind == "text":
        return "a text"
    kind = "whole numbers" if knob.kind == "int" else "numbers"
    units = "".join(f", or multiples of {unit}" for unit in knob.relative)
    return kind + units + (f", or {OFF[0]}" if knob.gate else "")
