"""Prompts, each with a better and a worse answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from autopeft.tasks.causal.split import CausalSplit
from autopeft.tasks.causal.turns import Example, recorded

__all__ = ["Pair", "Pairs", "alike"]


def alike(one: Sequence[Any], other: Sequence[Any]) -> int:
    """Return with how many items both begin."""
    places = range(min(len(one), len(other)))
    return next((place for place in places if one[place] != other[place]), len(places))


class Pair(NamedTuple):
    """A prompt with two answers.

    Args:
        prompt: Who says what before the answers.
        chosen: The better answer: a turn of the assistant, perhaps others after it.
        rejected: The worse one.
    """

    prompt: Example
    chosen: Example
    rejected: Example

    def recorded(self) -> list[Any]:
        """Return plain data that stands for it in a task's fingerprint."""
        return [recorded(part) for part in self]


@dataclass(frozen=True)
class Pairs:
    """Pairs of answers.

    Args:
        pairs: The pairs.
        places: Where each stands, for messages; empty where it stands nowhere.
    """

    pairs: Sequence[Pair]
    places: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.pairs)

    def take(self, indices: Iterable[int]) -> Pairs:
        """Return the pairs at the indices, in their order."""
        picked = [int(index) for index in indices]
        places = [self.places[index] for index in picked] if self.places else ()
        return Pairs([self.pairs[index] for index in picked], places)

    @property
    def better(self) -> CausalSplit:
        """The prompts with their better answers."""
        return CausalSplit([pair.prompt + pair.chosen for pair in self.pairs], places=self.places)
