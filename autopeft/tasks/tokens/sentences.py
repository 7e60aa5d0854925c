"""Sentences whose words have tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Sentences"]


@dataclass(frozen=True)
class Sentences:
    """Sentences, each of one word or more, with the tag of each word.

    Args:
        words: The words of each sentence.
        tags: Of each sentence the tags of its words, by number once a task is made of them.
    """

    words: Sequence[tuple[str, ...]]
    tags: Sequence[tuple[Any, ...]]

    def __len__(self) -> int:
        return len(self.words)

    def take(self, indices: Iterable[int]) -> Sentences:
        """Return the sentences at the indices, in their order."""
        picked = [int(index) for index in indices]
        return Sentences([self.words[i] for i in picked], [self.tags[i] for i in picked])
