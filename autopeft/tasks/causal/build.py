"""From tables by split to a task for causal language models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autopeft.errors import DataError
from autopeft.tasks.causal.dividing import divided, refuse_empty
from autopeft.tasks.causal.examples import example_of
from autopeft.tasks.causal.formats import HISTORY, Format
from autopeft.tasks.causal.judged import check_judged
from autopeft.tasks.causal.judging import ANSWER_METRICS, Column, beside_of, check_beside
from autopeft.tasks.causal.marks import MASK, check_token_masks, left_out_by, yes_or_no
from autopeft.tasks.causal.naming import naming_of
from autopeft.tasks.causal.prompts import choices_in
from autopeft.tasks.causal.split import CausalSplit
from autopeft.tasks.causal.spot import LeftOut, Spot
from autopeft.tasks.causal.turns import Example, before_answer
from autopeft.tasks.intake import Intake, Ledger
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.tables import Row, Table, is_missing

__all__ = ["read_examples"]


def read_examples(
    spec: TaskSpec, form: Format, tables: Mapping[str, Table]
) -> tuple[dict[str, CausalSplit], tuple[str, ...], dict[str, Intake]]:
    """Make the splits of a task of tables.

    Args:
        spec: Where they come from.
        form: What form the examples have.
        tables: `train`, and `validation` and `test` where they are given; the others are split off `train`.

    Returns:
        The splits, notes, and the account of the rows by split.

    Raises:
        DataError: When an example has another form, or there are too few.
    """
    naming = naming_of(tables.values(), form)
    judge = ANSWER_METRICS.get(spec.metric or "")
    columns = () if judge is None else judge.columns
    for table in tables.values():
        check_beside(table, columns, str(spec.metric))
    read = {split: _split(table, form, naming, columns) for split, table in tables.items()}
    parts = {split: part for split, (part, _) in read.items()}
    intake = {split: account for split, (_, account) in read.items()}
    notes: tuple[str, ...] = ()
    if any(HISTORY in form.beside and HISTORY in table.columns for table in tables.values()):
        notes = (f"what is answered in '{HISTORY}' comes before the prompt, and is learned like other answers",)
    # Equal questions must not be on both sides, whatever their answers.
    parts, more = divided(spec, parts, intake, lambda part: [*map(before_answer, part.examples)])
    return parts, (*notes, *more), intake


def _split(table: Table, form: Format, naming: str | None, columns: Sequence[Column]) -> tuple[CausalSplit, Intake]:
    """Make the examples of a table, and the account of its rows."""
    _check_columns(table, form)
    check_judged(table, form)
    marks = left_out_by(table, form)
    ledger = Ledger(table, (*form.reads, *marks, MASK, *(column.name for column in columns)))
    examples, choices, places, beside = [], [], [], []
    for row in table.rows:
        spot = Spot(table.source, row[0], ledger)
        try:
            example = _example(row, form, marks, naming, spot)
            beside.append(beside_of(row[1], columns, spot, table.folder_of(row[0])))
        except LeftOut as reason:
            ledger.drop(row[0], str(reason))
            continue
        examples.append(example)
        places.append(str(spot))
        if form.choices:
            choices.append(choices_in(row[1], form, spot))
    account = ledger.close()
    refuse_empty(account, form.describe())
    return CausalSplit(examples, choices if form.choices else None, places, beside if columns else ()), account


def _example(row: Row, form: Format, marks: tuple[str, ...], naming: str | None, spot: Spot) -> Example:
    """Make the example of a row, unless the row itself is marked as not to be learned."""
    check_token_masks({key: value for key, value in row[1].items() if key not in marks}, spot)
    _check_mask(row, form, spot)
    for mark in marks:
        if not is_missing(row[1].get(mark)) and not yes_or_no(row[1][mark]):
            raise LeftOut(f"marked as not to be learned by '{mark}'")
    return example_of(row[1], form, naming, spot)


def _check_mask(row: Row, form: Format, spot: Spot) -> None:
    """Refuse a mask of a row unless it names the speaker whose turns are not learned anyway."""
    value = row[1].get(MASK)
    if is_missing(value) or MASK in form.columns:
        return
    if not form.conversation or str(value).strip().lower() not in ("user", "human"):
        raise DataError(
            f"{spot}: found the {MASK} {value!r}, which cannot be honoured: the assistant's turns are learned, and no "
            "others. Mark messages by 'train' or 'weight', or leave the column out"
        )


def _check_columns(table: Table, form: Format) -> None:
    """Refuse a table without rows or without a column, or with several of its name."""
    if not table.rows:
        raise DataError(f"'{table.source}' holds no rows; expected some with {form.describe()}")
    for column in form.columns:
        if column not in table.columns:
            raise DataError(
                f"'{table.source}' has no column '{column}'; found: {', '.join(table.columns)}. "
                "Name the columns with messages, with prompt and completion, or with text and the kind causal"
            )
    for column in form.reads:
        if column in table.repeated:
            raise DataError(
                f"'{table.source}' has several columns called '{column}', and which of them is meant cannot be told; "
                "give each a name of its own"
            )
