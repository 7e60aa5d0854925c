"""From the rows of any source to clean texts, each with what is to be told of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from autopeft.errors import DataError
from autopeft.tasks.intake import Intake, Ledger, listed
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.tables import Row, Table, is_missing, kind_in_words, mended, text_of
from autopeft.tasks.task import Split
from autopeft.tasks.texts import Text

__all__ = ["MEND", "check_columns", "drop_unlabelled", "holds_lists", "labelled", "refuse_unusable", "texts_of"]

T = TypeVar("T")
S = TypeVar("S", bound=Split)

#: A header of so many letters, or of digits, is none.
_LONG_NAME = 60

#: So many columns of a table that lacks one are named.
_NAMED = 20

#: So many reasons for which rows were left out are named.
_REASONS = 3

#: How other columns are named.
MEND = (
    "Name the columns with --text, --text2 and --label; for a decoder, with --prompt and --completion or --messages, "
    "or give --kind causal where there is nothing but text"
)


def check_columns(table: Table, columns: Sequence[str], mend: str) -> None:
    """Refuse a table that lacks a column, or has several of its name.

    Args:
        table: The table.
        columns: The columns that a task reads.
        mend: How to name other ones.

    Raises:
        DataError: Naming the columns that there are.
    """
    if not table.rows:
        raise DataError(f"'{table.source}' holds no rows; expected some with the columns: {', '.join(columns)}")
    for column in columns:
        if column in table.repeated:
            raise DataError(
                f"'{table.source}' has several columns called '{column}', and which of them is meant cannot be told; "
                "give each a name of its own"
            )
        if column not in table.columns:
            near = difflib.get_close_matches(column, table.columns, n=1)
            raise DataError(
                f"'{table.source}' has no column '{column}'; found: {_named(table.columns)}."
                + (_headless(table) or (f" Did you mean '{near[0]}'?" if near else ""))
                + f" {mend}"
            )


def holds_lists(table: Table, column: str) -> bool:
    """Tell whether the first cell of a column that holds anything holds a list of texts."""
    for _, row in table.rows:
        value = row.get(column)
        if isinstance(value, list) and value:
            return text_of(value[0]) is not None
        if not isinstance(value, list) and not is_missing(value):
            return False
    return False


def _named(columns: Sequence[str]) -> str:
    return listed([name if len(name) <= _LONG_NAME else f"{name[: _LONG_NAME - 3]}..." for name in columns], _NAMED)


def _headless(table: Table) -> str:
    """Say that the line with the names looks like a row, where it does."""
    names = [name for name in table.columns if not name.startswith("(column ")]
    values = {column: {str(row.get(column)) for _, row in table.rows} for column in names}
    if any(len(name) > _LONG_NAME or name.replace(".", "").isdecimal() or name in values[name] for name in names):
        return " That first line looks like a row: put a line with the names of the columns before it."
    return ""


def labelled(
    table: Table, columns: Sequence[str], label: str, read: Callable[[Any], T]
) -> tuple[list[Text], list[T], Intake]:
    """Return the texts of a table with what is to be told of each, and the account of its rows.

    Args:
        table: The table.
        columns: The columns of the texts, one or two.
        label: The column of what is to be told; rows without it are left out.
        read: Makes it of what the column holds.

    Raises:
        DataError: When most rows hold no text.
    """
    ledger, texts, labels = Ledger(table, (*columns, label)), [], []
    for row in table.rows:
        clean = _clean(row, columns, label, ledger)
        if clean is not None:
            texts.append(clean)
            labels.append(read(row[1][label]))
    intake = ledger.close()
    _check_readable(intake)
    return texts, labels, intake


def refuse_unusable(intake: Intake) -> None:
    """Refuse a source of which no row is left.

    Raises:
        DataError: With the commonest reasons.
    """
    if intake.used:
        return
    reasons = sorted(intake.drops.items(), key=lambda item: -len(item[1]))
    found = listed([f"{reason} in {len(places):,} (from {places[0]} on)" for reason, places in reasons], _REASONS)
    raise DataError(
        f"none of the {intake.rows:,} rows of '{intake.source}' can be used: {found}. Fill the columns in, or name "
        "others with --text and --label"
    )


def drop_unlabelled(parts: dict[str, S], intake: Mapping[str, Intake], spec: TaskSpec) -> tuple[list[str], list[str]]:
    """Leave out held-out splits without a label: published test splits often hide theirs.

    Args:
        parts: The examples by split; changed in place.
        intake: The account of the rows by split.
        spec: Which splits the user names, whose rows must have labels.

    Returns:
        The splits that are missing then, and what there is to say.

    Raises:
        DataError: When nothing can be used of a split that has to be.
    """
    notes = []
    for split in ("validation", "test"):
        if split in parts and not len(parts[split]) and getattr(spec, split) is None:
            del parts[split]
            notes.append(f"{split} has no row with a label, and is not used")
    for split in parts:
        refuse_unusable(intake[split])
    missing = [split for split in ("validation", "test") if split not in parts]
    if missing and spec.group:
        raise DataError(
            f"'{intake['train'].source}': {' and '.join(missing)} has no row with a label, and cannot be split off by "
            f"'{spec.group}' any more; leave that split out of the data"
        )
    return missing, notes


_UNREADABLE = "not text"


def texts_of(table: Table, columns: Sequence[str]) -> tuple[list[Text], list[int], Intake]:
    """Return the texts of a table whose labels are asked for, read as those of `examples_of` are.

    Args:
        table: The table.
        columns: The columns of the texts, one or two.

    Returns:
        The texts, the numbers of their rows, and the account of all rows.

    Raises:
        DataError: When a column is lacking.
    """
    check_columns(table, columns, "Name the columns with --text and --text2")
    ledger, texts, numbers = Ledger(table, table.columns), [], []
    for number, row in enumerate(table.rows):
        found = _texts(row, columns, ledger)
        if found is not None:
            texts.append(_whole(row[0], found, ledger))
            numbers.append(number)
    return texts, numbers, ledger.close()


def _clean(row: Row, columns: Sequence[str], label: str, ledger: Ledger) -> Text | None:
    """Return the text of a row, or the pair of them; None where the row is left out."""
    texts = _texts(row, columns, ledger)
    if texts is None:
        return None
    if is_missing(row[1].get(label)):
        ledger.drop(row[0], f"'{label}' is empty")
        return None
    return _whole(row[0], texts, ledger)


def _texts(row: Row, columns: Sequence[str], ledger: Ledger) -> list[str] | None:
    """Return what the columns of a row say; None where the row is left out."""
    place, values = row
    texts = []
    for column in columns:
        value = values.get(column)
        if is_missing(value):
            ledger.drop(place, f"'{column}' is empty")
            return None
        text = text_of(value)
        if text is None:
            ledger.drop(place, f"'{column}' holds {kind_in_words(value)}, {_UNREADABLE}")
            return None
        texts.append(text.strip())
    return texts


def _whole(place: str, texts: Sequence[str], ledger: Ledger) -> Text:
    """Return one text, or the pair of two, without halves of characters."""
    whole = [mended(text) for text in texts]
    if whole != list(texts):
        ledger.remark(place, "half a character replaced by \N{REPLACEMENT CHARACTER}")
    return whole[0] if len(whole) == 1 else (whole[0], whole[1])


def _check_readable(intake: Intake) -> None:
    """Refuse a source most of whose rows hold something else than text."""
    for reason, places in intake.drops.items():
        if reason.endswith(_UNREADABLE) and len(places) > intake.rows / 2:
            raise DataError(
                f"'{intake.source}', {places[0]}: {reason}, as in {len(places):,} of {intake.rows:,} rows; name the "
                "column of the texts by --text"
            )
