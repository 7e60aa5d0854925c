"""Answers that the data itself calls wrong, which nobody wants learned."""

from __future__ import annotations

from autopeft.errors import DataError
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.marks import yes_or_no
from autopeft.tasks.tables import Table, is_missing

__all__ = ["check_judged"]

#: Columns that say whether an answer is right or wrong, where they say yes or no.
_VERDICTS = ("label", "kto_tag", "is_correct", "correct")


def check_judged(table: Table, form: Format) -> None:
    """Refuse answers with a column that says of each whether it is good.

    Args:
        table: The rows.
        form: What form they have.

    Raises:
        DataError: Naming the column and the first row that it calls bad.
    """
    if form.plain or form.choices:
        return
    for column in _VERDICTS:
        if column not in table.columns or column in form.columns:
            continue
        says = [(place, row[column]) for place, row in table.rows if not is_missing(row.get(column))]
        if not says or any(yes_or_no(value) is None for _, value in says):
            continue
        bad = next((place for place, value in says if not yes_or_no(value)), None)
        if bad is not None:
            raise DataError(
                f"'{table.source}' has a column '{column}' that says yes or no of each answer, and no first in {bad}: "
                "answers marked as wrong, from which nothing can be learned by themselves. Keep the rows whose answers "
                "are to be learned, give each wrong one beside a right one as 'chosen' and 'rejected', or give the "
                "column another name if it says something else"
            )
