"""What is to be known of a split before anything is trained on it: what of it can be learned, token by token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.causal.encoding import encoded, special_ids, tokenise
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.split import CausalSplit
from autopeft.tasks.causal.turns import Example
from autopeft.tasks.encoding import IGNORED, Encoded
from autopeft.tasks.intake import listed

__all__ = ["Survey", "controls_in", "describe", "end_share", "survey"]


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
        controlled: Examples whose texts hold control tokens of the model, which are read as such.
        unwritten: What the template was told of, and did not write.
        controls: The control tokens that stand in texts.
    """

    name: str
    encoded: Encoded
    moved: int
    straddling: int
    only_end: int
    unlearned: int
    controlled: int
    unwritten: tuple[str, ...]
    controls: tuple[str, ...]

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
    "controlled": "texts hold control tokens of the model{}, which are read as such, not as text",
}


def describe(surveys: Sequence[Survey]) -> list[str]:
    """Return lines that tell people what is learned otherwise than it stands in the data."""
    controls = sorted({token for each in surveys for token in each.controls})
    lines = []
    for field, said in _SAID.items():
        found = [each for each in surveys if getattr(each, field)]
        if found:
            counts = (f"{getattr(each, field):,} of {len(each.encoded):,} {each.name}" for each in found)
            named = said.format(f" ({listed(controls)})")
            lines.append(f"{named}: {', '.join(counts)} examples")
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
    controls = controls_in(split.examples, tokenizer)
    return Survey(
        name,
        encoded(found),
        moved=sum(each.rendered.moved for each in found),
        straddling=sum(each.straddling for each in found),
        only_end=sum(_only_ends(each.labels, special) for each in found),
        unlearned=sum(each.rendered.unlearned > 0 for each in found),
        controlled=sum(map(bool, controls)),
        unwritten=tuple(sorted(unwritten)),
        controls=tuple(sorted(set().union(*controls))),
    )


def controls_in(examples: Sequence[Example], tokenizer: Any) -> list[set[str]]:
    """Return the control tokens that the texts of each example hold, which are read as such, not as text."""
    tokens = _control_tokens(tokenizer)
    return [_controls(example, tokens) for example in examples]


def _control_tokens(tokenizer: Any) -> re.Pattern[str] | None:
    """Return what finds the texts that a tokenizer takes for control tokens wherever they stand; None without any."""
    if getattr(tokenizer, "split_special_tokens", False):
        return None
    added = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    tokens = {*tokenizer.all_special_tokens, *added} - {""}
    return re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True)))) if tokens else None


def _controls(example: Example, tokens: re.Pattern[str] | None) -> set[str]:
    """Return the control tokens that an example's texts hold: they end turns, and begin others, as a template does."""
    if tokens is None:
        return set()
    return {token for turn in example for text in (turn.content, turn.further) for token in tokens.findall(text)}


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
