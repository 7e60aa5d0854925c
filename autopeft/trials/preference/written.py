"""Pairs as text: the better answers alone for what a decoder writes, both for tools that train by preferences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autopeft.tasks import Task
from autopeft.tasks.causal import Causal
from autopeft.tasks.preference.encoding import pair_texts, pair_tokens
from autopeft.tasks.preference.pairs import alike
from autopeft.trials.causal.written import message_of
from autopeft.trials.writing import PreferredRow, Preferring

__all__ = ["as_written", "preferring_of"]


def as_written(task: Task) -> Task:
    """Return a task of the same prompts whose better answers are to be written."""
    kind, parts = Causal(), {name: split.better for name, split in task.splits.items()}
    return replace(task, kind=kind, schema=task.schema.answering, metric=kind.usual, groups={}, **parts)


def preferring_of(task: Task, tokenizer: Any, max_length: int) -> Preferring:
    """Return the training and validation pairs whose answers still differ once cut."""
    form, templated = task.schema, False
    found: dict[str, list[PreferredRow]] = {}
    for name in ("train", "validation"):
        split = task.splits[name]
        found[name] = []
        for pair, tokens in zip(split.pairs, pair_tokens(split, form, tokenizer), strict=True):
            if not tokens.tells(max_length):
                continue
            texts = pair_texts(pair, form, tokenizer)
            templated = texts.templated
            better, worse = tokens.rows(max_length)
            # Some templates open an answer otherwise than they write one that was given.
            asked = texts.prompt[: min(alike(texts.prompt, text) for text in (texts.chosen, texts.rejected))]
            found[name].append(
                PreferredRow(
                    [*map(message_of, pair.prompt)],
                    [*map(message_of, pair.chosen)],
                    [*map(message_of, pair.rejected)],
                    asked,
                    (texts.chosen.removeprefix(asked), texts.rejected.removeprefix(asked)),
                    (better, worse),
                )
            )
    return Preferring(found, templated)
