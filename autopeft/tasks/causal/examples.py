"""From a row to an example: who says what, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from autopeft.errors import DataError
from autopeft.tasks.causal.choices import choices_of, right_choice
from autopeft.tasks.causal.formats import Format

__all__ = ["ROLES", "Example", "Turn", "example_of"]

#: Who may speak; what `assistant` says is learned.
ROLES = ("system", "user", "assistant", "tool")


class Turn(NamedTuple):
    """What one speaker says."""

    role: str
    content: str


#: A conversation; of a prompt and its completion two turns, of plain text a single one.
Example = tuple[Turn, ...]


def example_of(row: Mapping[str, Any], form: Format, place: str) -> Example:
    """Make an example of a row.

    Args:
        row: Values by column.
        form: What form the data has.
        place: Where the row stands, for messages.

    Raises:
        DataError: When something is missing or of another form.
    """
    absent = [column for column in form.columns if row.get(column) is None]
    if absent:
        found = ", ".join(f"'{name}'" for name, value in row.items() if value is not None) or "nothing"
        raise DataError(
            f"{place}: no '{absent[0]}'; found {found}. All examples must have one form, here {form.describe()}"
        )
    if form.conversation:
        return _conversation(row[form.columns[0]], f"{place}, '{form.columns[0]}'")
    if form.choices:
        question, _, answer = form.columns
        choices = choices_of(row[form.choices], f"{place}, '{form.choices}'")
        right = right_choice(row[answer], choices, f"{place}, '{answer}'")
        return (Turn("user", _text(row[question], f"{place}, '{question}'")), Turn("assistant", choices[right]))
    *asked, learned = (_text(row[column], f"{place}, '{column}'") for column in form.columns)
    if not learned.strip():
        raise DataError(f"{place}: '{form.columns[-1]}' is empty; expected text to learn. Fill it in or drop the row")
    if form.plain:
        return (Turn("assistant", learned),)
    extra = row.get(form.optional) if form.optional else None
    if extra is not None and str(extra).strip():
        asked.append(_text(extra, f"{place}, '{form.optional}'"))
    return (Turn("user", "\n\n".join(asked)), Turn("assistant", learned))


def _conversation(value: Any, place: str) -> Example:
    if not isinstance(value, list) or not value:
        raise DataError(f"{place}: found {_kind(value)}; expected a list of messages with 'role' and 'content'")
    turns = []
    for number, message in enumerate(value, 1):
        if not isinstance(message, Mapping) or not {"role", "content"} <= set(message):
            raise DataError(f"{place}, message {number}: expected an object with 'role' and 'content'")
        if message["role"] not in ROLES:
            raise DataError(
                f"{place}, message {number}: found the role '{message['role']}'; expected one of: {', '.join(ROLES)}"
            )
        turns.append(Turn(message["role"], _text(message["content"], f"{place}, message {number}")))
    if not any(turn.role == "assistant" and turn.content.strip() for turn in turns):
        raise DataError(f"{place}: no message of the assistant, which is what is learned; add one or drop the row")
    return tuple(turns)


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str | int | float):
        raise DataError(f"{place}: found {_kind(value)}; expected text")
    return str(value)


def _kind(value: Any) -> str:
    return "an empty list" if value == [] else f"a {type(value).__name__}"
