"""Which scores of training rows the levers of a space or a configuration go by."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

from autopeft.errors import ConfigurationError
from autopeft.levers.selection import SELECT
from autopeft.space import BoundSpace
from autopeft.space.domains import Continuous, Grid

__all__ = ["Score", "scores_named", "scores_of"]


class Score(NamedTuple):
    """Something to be computed of each training row before the first trial.

    Args:
        name: Its name.
        knobs: Values of the knobs on which it depends, by name.
    """

    name: str
    knobs: tuple[tuple[str, float], ...] = ()

    @property
    def text(self) -> str:
        """Both in words, which tell it from others."""
        return " ".join([self.name, *(f"({name} {value:g})" for name, value in self.knobs)])


def scores_named(data: Mapping[str, Any]) -> tuple[Score, ...]:
    """Return the scores that the section `data` of a configuration goes by."""
    asked = SELECT.asked(data)
    return () if asked is None else _needed(asked.word.name, asked.knobs)


def scores_of(space: BoundSpace) -> tuple[Score, ...]:
    """Return the scores that configurations of a space may go by.

    Raises:
        ConfigurationError: When there is no end of them.
    """
    plans = {plan.knob.name: plan for plan in space.shared}
    if SELECT.name not in plans:
        return ()
    found: dict[Score, None] = {}
    words = plans[SELECT.name].domain
    assert isinstance(words, Grid)
    for word in words.values:
        if word == SELECT.nothing:
            continue
        values = {}
        for knob in SELECT.words[word].scored_by:
            domain = plans[f"{word}_{knob}"].domain
            if isinstance(domain, Continuous):
                raise ConfigurationError(
                    f"space {space.name!r}: data.{word}_{knob}: found the range {domain.low:g}..{domain.high:g}, but "
                    f"what select: {word} goes by is computed for each value before the first trial; expected some "
                    f"values, such as '{plans[f'{word}_{knob}'].knob.range}'"
                )
            values[knob] = domain.values
        for point in product(*values.values()):
            found.update(dict.fromkeys(_needed(word, dict(zip(values, point, strict=True)))))
    return tuple(found)


def _needed(word: str, knobs: Mapping[str, Any]) -> tuple[Score, ...]:
    selector = SELECT.words[word]
    return tuple(Score(name, tuple((knob, knobs[knob]) for knob in selector.scored_by)) for name in selector.needs)
