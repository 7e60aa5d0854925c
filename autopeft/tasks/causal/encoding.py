"""Tokenise examples once, each token with what is learned at it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.render import Rendered, render
from autopeft.tasks.causal.split import CausalSplit
from autopeft.tasks.encoding import IGNORED, Encoded

__all__ = ["IGNORED", "Tokenised", "cut_causal", "encode_causal", "encoded", "special_ids", "tokenise"]


class Tokenised(NamedTuple):
    """An example in tokens.

    Args:
        ids: The tokens.
        labels: At each token its own id where it is learned, else `IGNORED`.
        rendered: The text that they are of.
        straddling: Whether a token lies across an end of a learned stretch, and so is not learned.
    """

    ids: list[int]
    labels: list[int]
    rendered: Rendered
    straddling: bool


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
    whole = encoded(tokenise(split, form, tokenizer))
    return whole if max_length is None else cut_causal(whole, max_length)


def tokenise(split: CausalSplit, form: Format, tokenizer: Any) -> list[Tokenised]:
    """Write the examples of a split and tokenise them; arguments and errors as of `encode_causal`."""
    if not tokenizer.is_fast:
        raise DataError(
            f"{type(tokenizer).__name__} does not say which characters a token stands for, so completions cannot be "
            "told from prompts; choose a model with a fast tokenizer"
        )
    places = split.places or [""] * len(split)
    return [
        _tokens(render(example, form, tokenizer, place), tokenizer)
        for example, place in zip(split.examples, places, strict=True)
    ]


def encoded(found: list[Tokenised]) -> Encoded:
    """Return examples as what models are fed with."""
    return Encoded({"input_ids": [each.ids for each in found], "labels": [each.labels for each in found]}, None)


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
    return replace(cut.take(kept), kept=np.asarray(kept))


def special_ids(tokenizer: Any) -> set[int]:
    """Return the tokens that stand for no text."""
    return {*tokenizer.all_special_ids, *tokenizer.get_added_vocab().values()}


def _tokens(rendered: Rendered, tokenizer: Any) -> Tokenised:
    """Tokenise an example."""
    found = tokenizer(
        rendered.text,
        add_special_tokens=not rendered.templated,
        return_offsets_mapping=True,
        return_attention_mask=False,
        verbose=False,
    )
    ids = list(found["input_ids"])
    starts, ends = np.asarray(found["offset_mapping"], dtype=np.int64).reshape(-1, 2).T
    learned = np.zeros(len(ids), dtype=bool)
    straddling = False
    for start, end in rendered.learned:
        # Special tokens that the tokenizer adds stand for no characters.
        learned |= (starts >= start) & (ends <= end) & (ends > starts)
        straddling |= any(bool(((starts < place) & (place < ends)).any()) for place in (start, end))
    labels = [token if mark else IGNORED for token, mark in zip(ids, learned, strict=True)]
    if not rendered.templated and tokenizer.eos_token_id is not None and ids[-1:] != [tokenizer.eos_token_id]:
        # A model that is to stop has to learn where.
        ids, labels = [*ids, tokenizer.eos_token_id], [*labels, tokenizer.eos_token_id]
    return Tokenised(ids, labels, rendered, straddling)
