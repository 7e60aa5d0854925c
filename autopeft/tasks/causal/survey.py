"""What is to be known of a split before anything is trained on it: what of it can be learned, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.causal.encoding import encoded, special_ids, tokenise
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.task import CausalSplit
from autopeft.tasks.encoding import IGNORED, Encoded

__all__ = ["Survey", "describe", "end_share", "survey"]


@dataclass(frozen=True)
class Survey:
    """What was found in the tokens of a split.

    Args:
        name: The split's name.
        encoded: Its tokens, uncut.
        moved: Examples whose prompts end in blanks, which are learned as the head of the completion.
        straddling: Examples with a token across an end of what is learned.
        only_end: Examples of which nothing is learned but the token that ends them.
        unlearned: Examples with turns that the template writes otherwise where others follow, so that they are not
            learned.
        unwritten: What the template was told of, and did not write.
    """

    name: str
    encoded: Encoded
    moved: int
    straddling: int
    only_end: int
    unlearned: int
    unwritten: tuple[str, ...]

    def check(self) -> None:
        """Refuse a split most of whose examples would teach little but to stop.

        Raises:
            DataError: Saying why, and what to do.
        """
        total = len(self.encoded)
        if self.only_end > total / 2:
            raise DataError(
                f"{self.only_end:,} of {total:,} {self.name} examples have no token to learn but the one that ends "
                "them: their completions are in one token with the end of the prompt, or the tokenizer knows nothing "
                "of them; let prompts end where a word ends, or choose another model"
            )
        if self.straddling > total / 2:
            raise DataError(
                f"{self.straddling:,} of {total:,} {self.name} examples have a token that begins before what is "
                "learned and ends within it, or the other way round, so that it is not learned; let prompts and "
                "completions end where a word ends"
            )


#: What there is to say of examples, by what counts them.
_SAID = {
    "moved": "blanks at the end of prompts are learned as the head of the completion",
    "straddling": "a token lies across an end of what is learned, and is not learned",
    "only_end": "nothing can be learned but the token at the end",
    "unlearned": "answers are not learned, for the chat template writes them otherwise where other turns follow",
}


def describe(surveys: Sequence[Survey]) -> list[str]:
    """Return lines that tell people what is learned otherwise than it stands in the data."""
    lines = []
    for field, said in _SAID.items():
        found = [each for each in surveys if getattr(each, field)]
        if found:
            counts = (f"{getattr(each, field):,} of {len(each.encoded):,} {each.name}" for each in found)
            lines.append(f"{said}: {', '.join(counts)} examples")
    unwritten = sorted({key for each in surveys for key in each.unwritten})
    if unwritten:
        named = ", ".join(f"'{key}'" for key in unwritten)
        lines.append(f"left out, for the chat template of this model does not write it: {named}")
    return lines


def survey(name: str, split: CausalSplit, form: Format, tokenizer: Any) -> Survey:
    """Tokenise a split and look at what can be learned of it.

    Args:
        name: What to call it.
        split: The examples.
        form: What form they have.
        tokenizer: The backbone's.

    Raises:
        DataError: When an example cannot be written.
    """
    found = tokenise(split, form, tokenizer)
    special = [*special_ids(tokenizer)]
    unwritten = {key for each in found for key in each.rendered.unwritten}
    return Survey(
        name,
        encoded(found),
        moved=sum(each.rendered.moved for each in found),
        straddling=sum(each.straddling for each in found),
        only_end=sum(_only_ends(each.labels, special) for each in found),
        unlearned=sum(each.rendered.unlearned > 0 for each in found),
        unwritten=tuple(sorted(unwritten)),
    )


def end_share(whole: Encoded, tokenizer: Any) -> float:
    """Return the share of learned tokens that end a text or a turn."""
    special = [*special_ids(tokenizer)]
    learned, ends = np.sum([_counts(labels, special) for labels in whole.inputs["labels"]], axis=0)
    return float(ends / learned)


def _only_ends(labels: Sequence[int], special: Sequence[int]) -> bool:
    learned, ends = _counts(labels, special)
    return learned == ends


def _counts(labels: Sequence[int], special: Sequence[int]) -> tuple[int, int]:
    """Return the learned tokens of an example, and those of them that end a stretch and stand for no text."""
    ids = np.asarray([*labels, IGNORED])
    learned = ids != IGNORED
    last = learned[:-1] & ~learned[1:]
    return int(learned.sum()), int(np.isin(ids[:-1][last], special).sum())
