"""By what the rows of multiple-choice data name the right choice, told from all of them."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable

from autopeft.errors import DataError
from autopeft.tasks.causal.choices import BY_PLACE, BY_TEXT, named_by
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.json_text import read_text
from autopeft.tasks.tables import Table, is_missing, mended, text_of

__all__ = ["naming_of"]


def naming_of(tables: Iterable[Table], form: Format) -> str | None:
    """Tell by what right choices are named, where single rows allow several readings.

    Args:
        tables: The rows of all splits.
        form: What form they have.

    Returns:
        `BY_TEXT` or `BY_PLACE`, whichever all rows allow; None where no row allows both with other results.

    Raises:
        DataError: When rows allow both, and the others do not tell which is meant.
    """
    if not form.choices:
        return None
    allowed, doubtful = {BY_TEXT, BY_PLACE}, None
    answer = form.columns[-1]
    for table in tables:
        for place, row in table.rows:
            offered, _ = read_text(row.get(form.choices))
            if is_missing(row.get(answer)) or not isinstance(offered, list | tuple):
                continue
            found = named_by(row[answer], [mended(text_of(each) or "") for each in offered])
            # A row that names nothing is refused where it is read.
            allowed &= found.keys() or allowed
            if doubtful is None and len(set(found.values())) > 1:
                doubtful = f"'{table.source}', {place}, '{answer}': found {reprlib.repr(row[answer])}"
    if doubtful is None:
        return None
    if len(allowed) != 1:
        raise DataError(
            f"{doubtful}, which is the text of one choice, and the index or letter of another; the other rows do not "
            "tell which is meant. Name right choices by letters from A where choices are numbers, or by indices from 0 "
            "where they are letters"
        )
    return allowed.pop()
