"""Knobs of training whose values are words for a way to do something, each with knobs of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from autopeft.errors import ConfigurationError
from autopeft.space.vocabulary import Knob

__all__ = ["Asked", "TrainingWord", "WordKnob"]


class TrainingWord(Protocol):
    """A way to do something in training.

    Attributes:
        name: Its word.
        source: The paper.
        summary: One line for people.
        knobs: Its knobs; in spaces their names begin with its word and an underscore.
    """

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def knobs(self) -> tuple[Knob, ...]: ...


W = TypeVar("W", bound=TrainingWord)


class Asked(NamedTuple, Generic[W]):
    """What a configuration asks for by a word, and the knobs of that."""

    word: W
    knobs: Mapping[str, Any]


@dataclass(frozen=True)
class WordKnob(Generic[W]):
    """A knob of training with words.

    Args:
        name: Its name.
        help: One line for people.
        words: What each word stands for.
        nothing: The word for nothing, its default.
    """

    name: str
    help: str
    words: Mapping[str, W]
    nothing: str = "none"

    def knobs(self, excludes: tuple[str, ...]) -> Iterator[Knob]:
        """Yield the knob, and those of its words.

        Args:
            excludes: Methods beside which it can only be nothing.
        """
        yield Knob(
            self.name,
            "choice",
            self.help,
            default=self.nothing,
            choices=(self.nothing, *self.words),
            unsaid=True,
            excludes=excludes,
        )
        for word, way in self.words.items():
            for knob in way.knobs:
                yield replace(knob, name=f"{word}_{knob.name}", given=(self.name, (word,)))

    def asked(self, training: Mapping[str, Any]) -> Asked[W] | None:
        """Return what a configuration asks for; None where it asks for nothing.

        Args:
            training: The configuration's knobs of training.

        Raises:
            ConfigurationError: When there is no such word here, or its knobs are not there.
        """
        word = training.get(self.name, self.nothing)
        if word == self.nothing:
            return None
        if not isinstance(word, str) or word not in self.words:
            expected = ", ".join((self.nothing, *self.words))
            raise ConfigurationError(f"training.{self.name}: found {word!r}, expected one of {expected}")
        way = self.words[word]
        lacking = [name for knob in way.knobs if (name := f"{word}_{knob.name}") not in training]
        if lacking:
            raise ConfigurationError(f"training: {self.name} is {word}, and there is no {' and no '.join(lacking)}")
        return Asked(way, {knob.name: training[f"{word}_{knob.name}"] for knob in way.knobs})
