"""Texts, or pairs of them, each with what is to be told of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["LabelledTexts", "Text"]

#: One input: a text, or a pair of texts.
Text = str | tuple[str, str]


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with what is to be told of each.

    Args:
        texts: The inputs, all single or all pairs.
        labels: For each text what its kind of task wants: of classes, the number of its class.
    """

    texts: Sequence[Text]
    labels: Sequence[Any]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Iterable[int]) -> LabelledTexts:
        """Return the texts at the indices, in their order."""
        picked = [int(index) for index in indices]
        return LabelledTexts([self.texts[i] for i in picked], [self.labels[i] for i in picked])
