"""Tokenise examples once, each token with what is learned at it."""

from __future__ import annotations

from typing import Any

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.render import Rendered, render
from autopeft.tasks.causal.task import CausalSplit
from autopeft.tasks.encoding import IGNORED, Encoded

__all__ = ["IGNORED", "cut_causal", "encode_causal"]


def encode_causal(split: CausalSplit, form: Format, tokenizer: Any, max_length: int | None = None) -> Encoded:
    """Tokenise a split.

    Args:
        split: The examples.
        form: What form they have.
        tokenizer: A fast tokenizer of transformers.
        max_length: Tokens after which an example is cut; one of which nothing is left to learn is left out.

    Returns:
        `input_ids` and `labels`: at each token its own id where it is learned, else `IGNORED`, as transformers takes
        them (the model shifts them by one).

    Raises:
        DataError: When nothing is left to learn, or an example cannot be written.
    """
    if not tokenizer.is_fast:
        raise DataError(
            f"{type(tokenizer).__name__} does not say which characters a token stands for, so completions cannot be "
            "told from prompts; choose a model with a fast tokenizer"
        )
    places = split.places or [""] * len(split)
    found = [
        _tokens(render(example, form, tokenizer, place), tokenizer)
        for example, place in zip(split.examples, places, strict=True)
    ]
    ids, labels = [list(column) for column in zip(*found, strict=True)]
    whole = Encoded({"input_ids": ids, "labels": labels}, None)
    return whole if max_length is None else cut_causal(whole, max_length)


def cut_causal(whole: Encoded, max_length: int) -> Encoded:
    """Cut the examples that `encode_causal` made without a maximum length; further as there."""
    ids, labels = ([row[:max_length] for row in whole.inputs[name]] for name in ("input_ids", "labels"))
    # The first token follows nothing, so it is never predicted.
    kept = [row for row, marks in enumerate(labels) if any(mark != IGNORED for mark in marks[1:])]
    if not kept:
        raise DataError(
            f"cut at {max_length} tokens, none of the {len(whole)} examples has anything left to learn: their prompts "
            "are longer; raise --max-length"
        )
    cut = Encoded(
        {"input_ids": ids, "labels": labels},
        None,
        truncated=float((whole.lengths > max_length).mean()),
        dropped=len(whole) - len(kept),
    )
    return cut.take(kept)


def _tokens(rendered: Rendered, tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return token ids and labels of an example."""
    found = tokenizer(
        rendered.text,
        add_special_tokens=not rendered.templated,
        return_offsets_mapping=True,
        return_attention_mask=False,
        verbose=False,
    )
    ids = list(found["input_ids"])
    offsets = np.asarray(found["offset_mapping"], dtype=np.int64).reshape(-1, 2)
    learned = np.zeros(len(ids), dtype=bool)
    for start, end in rendered.learned:
        # Special tokens that the tokenizer adds stand for no characters.
        learned |= (offsets[:, 0] >= start) & (offsets[:, 1] <= end) & (offsets[:, 1] > offsets[:, 0])
    labels = [token if mark else IGNORED for token, mark in zip(ids, learned, strict=True)]
    if not rendered.templated and tokenizer.eos_token_id is not None and ids[-1:] != [tokenizer.eos_token_id]:
        # A model that is to stop has to learn where.
        return [*ids, tokenizer.eos_token_id], [*labels, tokenizer.eos_token_id]
    return ids, labels
