"""Knobs of training or of the data whose values are words for a way to do something, each with knobs of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from autopeft.errors import ConfigurationError
from autopeft.space.vocabulary import Knob

__all__ = ["Asked", "Way", "WordKnob"]


class Way(Protocol):
    """A way to do something.

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


W = TypeVar("W", bound=Way)


class Asked(NamedTuple, Generic[W]):
    """What a configuration asks for by a word, and the knobs of that."""

    word: W
    knobs: Mapping[str, Any]


@dataclass(frozen=True)
class WordKnob(Generic[W]):
    """A knob of training or of the data with words.

    Args:
        name: Its name.
        help: One line for people.
        words: What each word stands for.
        nothing: The word for nothing, its default.
        common: Knobs that its words share, whose names are as they stand; each is there with those of its words.
        section: Where it is written.
    """

    name: str
    help: str
    words: Mapping[str, W]
    nothing: str = "none"
    common: tuple[tuple[Knob, tuple[str, ...]], ...] = ()
    section: str = "training"

    def knobs(self, excludes: tuple[str, ...] = ()) -> Iterator[Knob]:
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
        for knob, words in self.common:
            yield replace(knob, given=(self.name, words))
        for word, way in self.words.items():
            for knob in way.knobs:
                yield replace(knob, name=f"{word}_{knob.name}", given=(self.name, (word,)))

    def asked(self, given: Mapping[str, Any]) -> Asked[W] | None:
        """Return what a configuration asks for; None where it asks for nothing.

        Args:
            given: The configuration's knobs of the section.

        Raises:
            ConfigurationError: When there is no such word here, or its knobs are not there.
        """
        word = given.get(self.name, self.nothing)
        if word == self.nothing:
            return None
        if not isinstance(word, str) or word not in self.words:
            expected = ", ".join((self.nothing, *self.words))
            raise ConfigurationError(f"{self.section}.{self.name}: found {word!r}, expected one of {expected}")
        way = self.words[word]
        names = {knob.name: knob.name for knob, words in self.common if word in words}
        names |= {knob.name: f"{word}_{knob.name}" for knob in way.knobs}
        lacking = [name for name in names.values() if name not in given]
        if lacking:
            raise ConfigurationError(
                f"{self.section}: {self.name} is {word}, and there is no {' and no '.join(lacking)}"
            )
        return Asked(way, {knob: given[name] for knob, name in names.items()})
