"""Tokenise pairs of answers once, as TRL's DPOTrainer does: an answer begins where its tokens leave the prompt's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.causal.render import Rendered, render
from autopeft.tasks.causal.template import opened
from autopeft.tasks.encoding import IGNORED, Encoded
from autopeft.tasks.preference.form import PairForm
from autopeft.tasks.preference.pairs import Pair, Pairs, alike

__all__ = ["PairTexts", "PairTokens", "cut_pairs", "encode_pairs", "pair_texts", "pair_tokens"]


class PairTexts(NamedTuple):
    """A pair as a model reads it.

    Args:
        prompt: The prompt, with what opens the answer to it.
        chosen: Prompt and better answer.
        rejected: Prompt and worse answer.
        templated: Whether the chat template wrote them, special tokens and all.
        unwritten: What the chat template was told of, and did not write.
    """

    prompt: str
    chosen: str
    rejected: str
    templated: bool
    unwritten: frozenset[str]


class PairTokens(NamedTuple):
    """A pair in tokens.

    Args:
        begins: How many of the first tokens are the prompt's, in both.
        chosen: Those of prompt and better answer.
        rejected: Those of prompt and worse answer.
        unwritten: What the chat template was told of, and did not write.
    """

    begins: int
    chosen: list[int]
    rejected: list[int]
    unwritten: frozenset[str]

    def rows(self, max_length: int) -> list[tuple[list[int], list[int]]]:
        """Return tokens and labels of the better and the worse answer, cut.

        Args:
            max_length: Tokens that are kept, from the first on.
        """
        return [
            (ids[:max_length], ([IGNORED] * self.begins + ids[self.begins :])[:max_length])
            for ids in (self.chosen, self.rejected)
        ]

    def tells(self, max_length: int) -> bool:
        """Tell whether something of the answers is left once cut, and they differ."""
        return self.begins < max_length and self.chosen[:max_length] != self.rejected[:max_length]


def encode_pairs(split: Pairs, form: PairForm, tokenizer: Any, max_length: int) -> Encoded:
    """Tokenise a split.

    Args:
        split: The pairs.
        form: What form they have.
        tokenizer: A tokenizer of transformers.
        max_length: Tokens after which prompt and answer are cut; pairs of which nothing is left to tell apart are left
            out.

    Returns:
        Two rows a pair, the better answer first: `input_ids`, and `labels`, the token itself in answers and `IGNORED`
        in prompts.

    Raises:
        DataError: When no pair is left, or one cannot be written.
    """
    return cut_pairs(pair_tokens(split, form, tokenizer), max_length)


def pair_tokens(split: Pairs, form: PairForm, tokenizer: Any) -> list[PairTokens]:
    """Tokenise the pairs of a split, uncut; arguments and errors as of `encode_pairs`."""
    places = split.places or [""] * len(split)
    return [
        _tokens(pair_texts(pair, form, tokenizer, place), tokenizer)
        for pair, place in zip(split.pairs, places, strict=True)
    ]


def cut_pairs(found: Sequence[PairTokens], max_length: int) -> Encoded:
    """Cut pairs and put them together; further as `encode_pairs`."""
    numbers = [number for number, pair in enumerate(found) if pair.tells(max_length)]
    kept = [found[number] for number in numbers]
    if not kept:
        raise DataError(
            f"cut at {max_length} tokens, none of the {len(found)} pairs has two different answers: their prompts are "
            "longer, or their answers differ later; raise --max-length"
        )
    rows = [row for pair in kept for row in pair.rows(max_length)]
    cut = sum(len(ids) > max_length for pair in found for ids in (pair.chosen, pair.rejected))
    return Encoded(
        {"input_ids": [ids for ids, _ in rows], "labels": [labels for _, labels in rows]},
        None,
        truncated=cut / (2 * len(found)),
        dropped=len(found) - len(kept),
        example=np.repeat(np.arange(len(kept)), 2),
        kept=np.asarray(numbers),
    )


def pair_texts(pair: Pair, form: PairForm, tokenizer: Any, place: str = "") -> PairTexts:
    """Write a pair as the model reads it: by its chat template where it has one, else prompt and answer as they stand.

    Args:
        pair: The pair.
        form: What form it has.
        tokenizer: The backbone's.
        place: Where it stands, for messages.

    Raises:
        DataError: When it is a conversation and the tokenizer has no template for it, or refuses it.
    """
    chosen, rejected = (
        render(pair.prompt + answer, form.answering, tokenizer, place) for answer in (pair.chosen, pair.rejected)
    )
    unwritten = chosen.unwritten | rejected.unwritten
    if chosen.templated:
        before = opened(pair.prompt, tokenizer, f"{place}: " if place else "")
        return PairTexts(before, chosen.text, rejected.text, True, unwritten)
    before = chosen.text.removesuffix(pair.chosen[-1].content)
    return PairTexts(before, _ended(chosen, tokenizer), _ended(rejected, tokenizer), False, unwritten)


def _ended(rendered: Rendered, tokenizer: Any) -> str:
    """Return a text with what ends it: a model that is to stop has to learn where."""
    end = tokenizer.eos_token or ""
    return rendered.text if rendered.text.endswith(end) else rendered.text + end


def _tokens(texts: PairTexts, tokenizer: Any) -> PairTokens:
    prompt, chosen, rejected = (
        list(tokenizer(text, add_special_tokens=not texts.templated, verbose=False)["input_ids"])
        for text in (texts.prompt, texts.chosen, texts.rejected)
    )
    begins = min(alike(prompt, chosen), alike(prompt, rejected))
    return PairTokens(begins, chosen, rejected, texts.unwritten)
