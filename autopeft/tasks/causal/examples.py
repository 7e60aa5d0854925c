"""From a row to an example: who says what, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.conversation import conversation_of
from autopeft.tasks.causal.formats import CONVERSATIONS, FORMATS, Format
from autopeft.tasks.causal.prompts import chosen_of, prompted_of
from autopeft.tasks.causal.spot import Spot
from autopeft.tasks.causal.turns import Example
from autopeft.tasks.tables import is_missing

__all__ = ["example_of"]


def example_of(row: Mapping[str, Any], form: Format, naming: str | None, spot: Spot) -> Example:
    """Make an example of a row.

    Args:
        row: Values by column.
        form: What form the data has.
        naming: What all rows name right choices by, where a row could be read in several ways.
        spot: Where the row stands.

    Raises:
        DataError: When something in it has another form.
        LeftOut: When something is missing.
    """
    if all(is_missing(row.get(column)) for column in form.columns) and _has_other_form(row):
        found = ", ".join(f"'{name}'" for name, value in row.items() if not is_missing(value))
        raise DataError(
            f"{spot}: no '{form.columns[0]}'; found {found}. All examples must have one form, here {form.describe()}"
        )
    if form.conversation:
        return conversation_of(row, form.columns[0], spot)
    return chosen_of(row, form, naming, spot) if form.choices else prompted_of(row, form, spot)


def _has_other_form(row: Mapping[str, Any]) -> bool:
    """Tell whether a row has all that a form needs; a text may stand in any."""
    needed = [*((column,) for column in CONVERSATIONS), *(form.known_by for form in FORMATS if not form.plain)]
    return any(not any(is_missing(row.get(column)) for column in columns) for columns in needed)
