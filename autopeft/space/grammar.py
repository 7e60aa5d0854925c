"""The grammar of values in a search space: text such as `off | d/512..d by x2` becomes a small tree.

    values  = choice ("|" choice)*
    choice  = "subset of" name ("," name)*  |  range  |  word
    range   = word ".." word ["by" ["x"] number] ["log"]

A YAML list is the alternatives of its items. What a word means is decided later, against the knob it is for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["GrammarError", "Per", "Range", "Subset", "Values", "Word", "parse_per", "parse_values", "whole_texts"]


class GrammarError(ValueError):
    """A text that the grammar does not allow; says what was expected."""


@dataclass(frozen=True)
class Word:
    """One value as written: a number, a relative size, or a name."""

    value: Any


@dataclass(frozen=True)
class Range:
    """All values from low to high, both included.

    Args:
        low: Lower end as written.
        high: Upper end as written.
        step: `x2` multiplies by 2, `2` adds 2; None leaves the steps to the knob.
        log: Whether a continuous range is uniform in the logarithm.
    """

    low: str
    high: str
    step: str | None
    log: bool


@dataclass(frozen=True)
class Subset:
    """Any subset of some names, one bit each."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Values:
    """Alternatives in the order written."""

    choices: tuple[Word | Range | Subset, ...]


@dataclass(frozen=True)
class Per:
    """How far one value reaches.

    Args:
        unit: `layer`, `role` or `group`.
        groups: Number of groups of adjacent layers, for `group`.
    """

    unit: str
    groups: int = 0


_RANGE = re.compile(
    r"(?P<low>\S+?)\s*\.\.\s*(?P<high>\S+)"
    r"(?:\s+by\s+(?P<step>x?\s*\d+(?:\.\d+)?))?(?P<log>\s+log)?"
)
_WORD = re.compile(r"[\w.+\-/%*]+")
_GROUPS = re.compile(r"(\d+) layer groups?")


def parse_values(written: Any) -> Values:
    """Read the values of a knob.

    Args:
        written: Text, a number, a truth value, or a list of them.

    Raises:
        GrammarError: When it is none of that.
    """
    if isinstance(written, list | tuple):
        if not written:
            raise GrammarError("at least one value")
        return Values(tuple(choice for item in written for choice in parse_values(item).choices))
    if written is None or isinstance(written, bool | int | float):
        return Values((Word(written),))
    if not isinstance(written, str):
        raise GrammarError("a value, a list, or a text such as `1..64 by x2`")
    return Values(tuple(_choice(part.strip()) for part in written.split("|")))


def whole_texts(written: Any) -> Values:
    """Read the values of a knob that are texts, in which no sign means anything: one of them, or a list."""
    return Values(tuple(map(Word, written if isinstance(written, list | tuple) else (written,))))


def parse_per(written: Any) -> Per:
    """Read what follows `per:`.

    Raises:
        GrammarError: When it is not `layer`, `role` or `N layer groups`.
    """
    if written in ("layer", "role"):
        return Per(written)
    match = _GROUPS.fullmatch(str(written))
    if match is None or int(match[1]) < 1:
        raise GrammarError("`layer`, `role` or `4 layer groups`")
    return Per("group", int(match[1]))


def _choice(text: str) -> Word | Range | Subset:
    if text.startswith("subset of"):
        names = tuple(name.strip() for name in text.removeprefix("subset of").split(","))
        if not all(names):
            raise GrammarError("names after `subset of`, separated by commas")
        return Subset(names)
    if ".." in text:
        match = _RANGE.fullmatch(text)
        if match is None:
            raise GrammarError("a range such as `1..64 by x2`, `0..10 by 2` or `1e-5..1e-2 log`")
        if match["step"] and match["log"]:
            raise GrammarError("either `by` or `log`, not both")
        step = match["step"] and match["step"].replace(" ", "")
        return Range(match["low"], match["high"], step, match["log"] is not None)
    if not _WORD.fullmatch(text):
        raise GrammarError("a value, or alternatives separated by |" if text else "a value on each side of |")
    return Word(text)
