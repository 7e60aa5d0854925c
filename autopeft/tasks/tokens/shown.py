"""What people are shown of sentences with tags: how many of what there are, and a sentence with its entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autopeft.tasks.tokens.entities import count_entities, spans_of
from autopeft.tasks.tokens.scheme import marks_entities
from autopeft.tasks.tokens.sentences import Sentences

__all__ = ["counts_of", "example_of"]


def counts_of(split: Sentences, labels: Sequence[str]) -> dict[str, int]:
    """Return how many entities of each type there are in some sentences; of tags without entities, words of each."""
    sentence = np.repeat(np.arange(len(split)), [len(tags) for tags in split.tags])
    tags = np.array([tag for each in split.tags for tag in each], np.int64)
    if not marks_entities(labels):
        return dict(zip(labels, np.bincount(tags, minlength=len(labels)).tolist(), strict=True))
    found = count_entities(labels, sentence, tags, tags)
    return dict(zip(found.types, found.there[1].tolist(), strict=True))


def example_of(words: Sequence[str], tags: Sequence[int], labels: Sequence[str]) -> dict[str, Any]:
    """Return a sentence for people, with its words and tags.

    Args:
        words: Its words.
        tags: Their tags, by number.
        labels: The tags.
    """
    named = [labels[tag] for tag in tags]
    label = " ".join(named)
    if marks_entities(labels):
        entities = [f"{' '.join(words[start:stop])} ({kind})" for start, stop, kind in spans_of(labels, tags)]
        label = ", ".join(entities) or "no entity"
    return {"text": " ".join(words), "label": label, "tokens": [*words], "tags": named}
