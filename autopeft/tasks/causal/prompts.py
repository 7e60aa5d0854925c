"""Prompts and their completions, questions and their answers, and plain texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.choices import choices_of, right_choice
from autopeft.tasks.causal.conversation import is_message
from autopeft.tasks.causal.formats import HISTORY, SYSTEM, Format
from autopeft.tasks.causal.json_text import lines_of, parsed, read_text
from autopeft.tasks.causal.spot import LeftOut, Spot
from autopeft.tasks.causal.turns import Example, Turn
from autopeft.tasks.tables import is_missing, kind_in_words

__all__ = ["asked_of", "choices_in", "chosen_of", "prompted_of"]


def prompted_of(row: Mapping[str, Any], form: Format, spot: Spot) -> Example:
    """Make an example of a prompt and its completion, or of a plain text.

    Args:
        row: Values by column.
        form: What form the data has.
        spot: Where the row stands.

    Raises:
        DataError: When something is no text.
        LeftOut: When something is empty.
    """
    *asking, answering = form.columns
    if form.optional:
        asking = [column for column in (*asking, form.optional) if not is_missing(row.get(column))] or asking
    asked = [_said(row, column, spot) for column in asking]
    if form.tests and not is_missing(row.get(form.tests)):
        tests = "\n".join(lines_of(row[form.tests], spot.at(f"'{form.tests}'")))
        asked = [f"{' '.join(asked)} Your code should pass these tests:\n\n{tests}"]
    answer = _said(row, answering, spot)
    if form.plain:
        return (Turn("assistant", answer),)
    before: list[Turn] = []
    if SYSTEM in form.beside and not is_missing(row.get(SYSTEM)):
        before.append(Turn("system", _said(row, SYSTEM, spot)))
    if HISTORY in form.beside:
        before += _earlier(row.get(HISTORY), spot.at(f"'{HISTORY}'"))
    return (*before, Turn("user", "\n\n".join(asked)), Turn("assistant", answer))


def choices_in(row: Mapping[str, Any], form: Format, spot: Spot) -> tuple[str, ...]:
    """Return the choices of a question.

    Raises:
        DataError: When they are not two or more different texts.
        LeftOut: When there are none.
    """
    column = str(form.choices)
    there = spot.at(f"'{column}'")
    return choices_of(parsed(spot.filled(row, column), there), there)


def chosen_of(row: Mapping[str, Any], form: Format, naming: str | None, spot: Spot) -> Example:
    """Make an example of a question, its choices and the right one.

    Args:
        row: Values by column.
        form: What form the data has.
        naming: What all rows name the right choice by, where this one could be read in several ways.
        spot: Where the row stands.

    Raises:
        DataError: When the right choice cannot be told.
        LeftOut: When something is empty.
    """
    answer, asked = form.columns[-1], asked_of(row, form, spot)
    choices = choices_in(row, form, spot)
    right = right_choice(spot.filled(row, answer), choices, naming, spot.at(f"'{answer}'"))
    return (Turn("user", asked), Turn("assistant", choices[right]))


def asked_of(row: Mapping[str, Any], form: Format, spot: Spot) -> str:
    """Return the question that a row has choices for; errors as of `chosen_of`."""
    return _said(row, form.columns[0], spot)


def _said(row: Mapping[str, Any], column: str, spot: Spot) -> str:
    """Return the text of a column, which messages are none of, whether they come as a list or written out."""
    value, there = spot.filled(row, column), spot.at(f"'{column}'")
    found, _ = read_text(value)
    if isinstance(found, list) and found and all(map(is_message, found)):
        raise DataError(
            f"{there}: found a list of messages; expected text. Give whole conversations in one column, by --messages "
            "COLUMN: those of a prompt and of its completion in one list, with 'train': false in messages of the "
            "assistant that are not to be learned"
        )
    return there.text(value)


def _earlier(value: Any, spot: Spot) -> list[Turn]:
    """Return the turns of a history: pairs of what was asked and what was answered."""
    if is_missing(value):
        return []
    found = parsed(value, spot)
    if not isinstance(found, list):
        raise DataError(f"{spot}: found {kind_in_words(found)}; expected a list of pairs of question and answer")
    turns = []
    for number, pair in enumerate(found, 1):
        there = spot.at(f"pair {number}")
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise DataError(f"{there}: found {_counted(pair)}; expected a list of two, question and answer")
        if any(map(is_missing, pair)):
            raise LeftOut("a turn of the history is empty")
        turns += [Turn(role, there.text(said)) for role, said in zip(("user", "assistant"), pair, strict=True)]
    return turns


def _counted(value: Any) -> str:
    """Say what a value is, and of a list how long."""
    return f"a list of {len(value)}" if isinstance(value, list | tuple) else kind_in_words(value)
