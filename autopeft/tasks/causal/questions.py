"""Rows that a model is to answer, as examples whose last turn is a stand-in for the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.conversation import conversation_of
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.prompts import asked_of, choices_in, prompted_of
from autopeft.tasks.causal.split import CausalSplit
from autopeft.tasks.causal.spot import LeftOut, Spot
from autopeft.tasks.causal.turns import STAND_IN, Example, Turn
from autopeft.tasks.intake import Intake, Ledger
from autopeft.tasks.rows import check_columns
from autopeft.tasks.tables import Table

__all__ = ["questions_of"]


def questions_of(table: Table, form: Format) -> tuple[CausalSplit, list[int], Intake]:
    """Return the examples of a table whose answers are asked for; of plain texts, the texts to go on with.

    Args:
        table: The table.
        form: What form it has.

    Returns:
        The examples, the numbers of their rows, and the account of all rows.

    Raises:
        DataError: When a column is lacking.
    """
    check_columns(table, form.asking, "Name the columns with --messages, --prompt or --text")
    ledger = Ledger(table, table.columns)
    examples, choices, places, numbers = [], [], [], []
    for number, (place, row) in enumerate(table.rows):
        spot = Spot(table.source, place, ledger)
        try:
            example = _question(row, form, spot)
            if form.choices:
                choices.append(choices_in(row, form, spot))
        except (LeftOut, DataError) as reason:
            # One row that cannot be read keeps no other from its answer.
            ledger.drop(place, str(reason).removeprefix(f"{spot}, ").removeprefix(f"{spot}: "))
            continue
        examples.append(example)
        places.append(str(spot))
        numbers.append(number)
    return CausalSplit(examples, choices if form.choices else None, places), numbers, ledger.close()


def _question(row: Mapping[str, Any], form: Format, spot: Spot) -> Example:
    if form.conversation:
        return conversation_of(row, form.columns[0], spot, asking=True)
    if form.plain:
        return prompted_of(row, form, spot)
    if form.choices:
        return (Turn("user", asked_of(row, form, spot)), Turn("assistant", STAND_IN))
    return prompted_of({**row, form.columns[-1]: STAND_IN}, form, spot)
