"""From a row to a prompt with a better and a worse answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.conversation import conversation_of
from autopeft.tasks.causal.json_text import parsed
from autopeft.tasks.causal.prompts import prompted_of
from autopeft.tasks.causal.spot import LeftOut, Spot
from autopeft.tasks.causal.turns import Example
from autopeft.tasks.preference.form import PairForm, is_conversation
from autopeft.tasks.preference.pairs import Pair, alike
from autopeft.tasks.tables import is_missing

__all__ = ["pair_of"]


def pair_of(row: Mapping[str, Any], form: PairForm, spot: Spot) -> Pair:
    """Make a pair of a row.

    Args:
        row: Values by column.
        form: What form the data has.
        spot: Where the row stands.

    Raises:
        DataError: When something in it has another form.
        LeftOut: When something is missing, or the answers are the same.
    """
    for column in (form.chosen, form.rejected):
        if not is_missing(row.get(column)) and is_conversation(row[column]) != form.conversation:
            found, first = ("text", "messages") if form.conversation else ("messages", "text")
            raise DataError(
                f"{spot}, '{column}': found {found}, and {first} in the first row; expected all answers to be "
                "texts, or all lists of messages"
            )
    if form.conversation:
        return _of_messages(row, form, spot)
    if is_conversation(row.get(form.asking)):
        raise DataError(
            f"{spot}, '{form.asking}': found messages, and texts in '{form.chosen}'; expected all of them to be texts, "
            "or all lists of messages, answers as [{'role': 'assistant', 'content': ...}]"
        )
    *asked, better = prompted_of(row, form.answered_by(form.chosen), spot)
    worse = prompted_of(row, form.answered_by(form.rejected), spot)[-1]
    if better == worse:
        raise LeftOut(_same(form))
    return Pair(tuple(asked), (better,), (worse,))


def _of_messages(row: Mapping[str, Any], form: PairForm, spot: Spot) -> Pair:
    """Make a pair of conversations: the prompt is what both begin with, as TRL has it where no column holds it.

    Where one does, what both begin with beyond it counts for neither answer, for it is as likely in both.
    """
    asked = _asked(row, form, spot)
    both = [_conversation(row, column, asked, form, spot) for column in (form.chosen, form.rejected)]
    common = alike(*both)
    prompt, (chosen, rejected) = both[0][:common], (each[common:] for each in both)
    if not chosen and not rejected:
        raise LeftOut(_same(form))
    if not chosen or not rejected:
        raise LeftOut("one answer is the beginning of the other")
    if not any(turn.role == "user" for turn in prompt):
        raise LeftOut(f"no prompt: '{form.chosen}' and '{form.rejected}' do not begin with the same question")
    if any(answer[0].role != "assistant" or answer[-1].role != "assistant" for answer in (chosen, rejected)):
        raise LeftOut("the answers do not begin and end with the assistant")
    if isinstance(asked, str) and asked.strip() not in [turn.content.strip() for turn in prompt]:
        raise DataError(
            f"{spot}: '{form.prompt}' says another thing than the messages that '{form.chosen}' and "
            f"'{form.rejected}' begin with; leave one of the two out"
        )
    return Pair(prompt, chosen, rejected)


def _asked(row: Mapping[str, Any], form: PairForm, spot: Spot) -> list[Any] | str:
    """Return the messages of the prompt, none where its column is not there; or its text."""
    if form.prompt is None:
        return []
    there = spot.at(f"'{form.prompt}'")
    value = parsed(spot.filled(row, form.prompt), there)
    if isinstance(value, list):
        return value
    return there.text(value)


def _conversation(row: Mapping[str, Any], column: str, asked: list[Any] | str, form: PairForm, spot: Spot) -> Example:
    """Return prompt and answer as one conversation, whether the answer's column repeats the prompt or not."""
    said = parsed(spot.filled(row, column), spot.at(f"'{column}'"))
    if isinstance(asked, list):
        before = [] if said[: len(asked)] == asked else asked
    else:
        # Some data have the question as text beside whole conversations.
        begun = any(str(each.get("role", each.get("from"))).lower() in ("user", "human") for each in said)
        before = [] if begun else [{"role": "user", "content": asked}]
    return conversation_of({**row, column: [*before, *said]}, column, spot)


def _same(form: PairForm) -> str:
    return f"'{form.chosen}' and '{form.rejected}' say the same"
