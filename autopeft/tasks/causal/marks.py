"""Marks in the data that say what of it is to be learned."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.spot import Spot
from autopeft.tasks.tables import Table, is_missing

__all__ = ["MARKS", "MASK", "TOKEN_MASKS", "check_token_masks", "left_out_by", "marked", "masked_value", "yes_or_no"]

#: Keys of messages, and columns, that say by 1 or 0, `true` or `false`, whether something is learned.
MARKS = ("weight", "loss_weight", "loss_mask", "loss", "train", "trainable")

#: A key of messages that some use for what is learned, and some for what is not.
MASK = "mask"

#: Columns and keys that mark single tokens or characters, which are those of another tokenizer, or of none.
TOKEN_MASKS = ("completion_mask", "assistant_mask", "assistant_masks", "train_detail")

_WORDS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}

#: What people write for no, but is no mark.
_NO = ("false", "f", "no", "n", "off")


def yes_or_no(value: Any) -> bool | None:
    """Return what a mark says; None where it is neither."""
    return _WORDS.get(str(value).strip().lower()) if isinstance(value, bool | int | float | str) else None


def marked(message: Mapping[str, Any], role: str, masked: bool | None, spot: Spot) -> bool:
    """Tell whether a message is learned.

    Args:
        message: The message, without keys that hold nothing.
        role: Who says it.
        masked: What `mask` says of messages that are not learned; None where that is unknown.
        spot: Where it stands.

    Raises:
        DataError: When its marks say nothing, contradict each other, or ask for what is not the assistant's.
    """
    check_token_masks(message, spot)
    says: dict[str, bool] = {}
    for key in (*MARKS, MASK):
        if key in message:
            found = yes_or_no(message[key])
            if found is None:
                raise DataError(
                    f"{spot}: found the {key} {message[key]!r}; expected 1 for what is learned, or 0 for what is not"
                )
            if key != MASK:
                says[key] = found
            elif masked is not None:
                says[key] = found != masked
            else:
                raise DataError(
                    f"{spot}: '{MASK}' may mark what is learned or what is not, and no other turn shows which; "
                    "call it 'train', true for what is learned"
                )
    if len(set(says.values())) > 1:
        raise DataError(f"{spot}: {' and '.join(map(repr, says))} contradict each other; keep one of them")
    if role != "assistant":
        if any(says.values()):
            raise DataError(
                f"{spot}: '{next(iter(says))}' asks to learn what the {role} says; only what the assistant says can "
                "be learned. Mark it as not learned, or leave the mark out"
            )
        return False
    return all(says.values())


def masked_value(messages: Sequence[tuple[str, Mapping[str, Any]]]) -> bool | None:
    """Return what `mask` says of what is not learned: what it says of all that the assistant does not say.

    Args:
        messages: Role and keys of each message of a conversation.
    """
    others = {yes_or_no(message[MASK]) for role, message in messages if role != "assistant" and MASK in message}
    return others.pop() if len(others) == 1 else None


def check_token_masks(values: Mapping[str, Any], spot: Spot) -> None:
    """Refuse marks of single tokens.

    Raises:
        DataError: Naming them.
    """
    for key in (*TOKEN_MASKS, *MARKS):
        value = values.get(key)
        if not is_missing(value) and (key in TOKEN_MASKS or isinstance(value, list)):
            raise DataError(
                f"{spot}: '{key}' marks single tokens or characters, which cannot be honoured; mark whole messages by "
                "'train' or 'weight', or leave it out"
            )


def left_out_by(table: Table, form: Format) -> tuple[str, ...]:
    """Return the columns that say of every row, by 1 or 0, whether it is learned.

    Args:
        table: The rows.
        form: What form they have; a column that holds texts is no mark.

    Raises:
        DataError: When a column says of some rows that they are not to be learned, and of others what is unknown.
    """
    found = []
    for column in MARKS:
        if column not in table.columns or column in form.reads:
            continue
        says = [(place, row[column]) for place, row in table.rows if not is_missing(row.get(column))]
        unknown = next(((place, value) for place, value in says if yes_or_no(value) is None), None)
        if unknown is None:
            found.append(column)
            continue
        no = next(((place, value) for place, value in says if _denies(value)), None)
        # Without a no, nothing is learned that the data leave out.
        if no is not None:
            raise DataError(
                f"'{table.source}', {unknown[0]}: found the {column} {reprlib.repr(unknown[1])}, and in {no[0]} "
                f"{reprlib.repr(no[1])}; rows cannot be learned in part: expected 1 for each row that is learned, or 0 "
                "for one that is not. Give the column another name if it says something else"
            )
    return tuple(found)


def _denies(value: Any) -> bool:
    """Tell whether a value says no, in figures or in words."""
    said = str(value).strip().lower()
    try:
        return float(said) == 0
    except ValueError:
        return said in _NO
