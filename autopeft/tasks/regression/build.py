"""From tables by split to a task of regression: what is missing split off, numbers read, all of it checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.intake import Intake
from autopeft.tasks.labels import read_number
from autopeft.tasks.regression.schema import Scale
from autopeft.tasks.rows import MEND, check_columns, drop_unlabelled, labelled
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.splits import LEAST_ROWS, hold_out
from autopeft.tasks.tables import Table, is_missing, text_of
from autopeft.tasks.texts import LabelledTexts

__all__ = ["read_numbers"]

#: Held-out rows are taken alike from so many parts of the scale.
_PARTS = 10


def read_numbers(
    spec: TaskSpec, tables: Mapping[str, Table]
) -> tuple[Scale, dict[str, LabelledTexts], tuple[str, ...], dict[str, Intake]]:
    """Make the splits of a task of tables.

    Args:
        spec: Where they come from, and which columns they are read by.
        tables: `train`, and `validation` and `test` where they are given; the others are split off `train`.

    Returns:
        The schema, the splits, notes, and the account of the rows by split.

    Raises:
        DataError: When a label is no number, or the data cannot carry a search.
    """
    columns = spec.text_columns
    label = spec.label_column
    for table in tables.values():
        check_columns(table, [*columns, label], MEND)
    comma = _has_commas(tables, label)
    parts, intake = {}, {}
    for split, table in tables.items():
        texts, numbers, intake[split] = labelled(table, columns, label, lambda value: read_number(value, comma))
        parts[split] = LabelledTexts(texts, numbers)
    missing, unlabelled = drop_unlabelled(parts, intake, spec)
    notes = ([f"the labels of '{label}' have decimal commas"] if comma else []) + unlabelled
    if missing:
        train = parts["train"]
        parts |= hold_out(train, train.texts, _strata(train.labels), missing, spec.seed)
        notes.append(f"{' and '.join(missing)} split off the training rows, stratified by '{label}' (seed {spec.seed})")
    for split, least in LEAST_ROWS.items():
        if len(parts[split]) < least:
            raise DataError(
                f"task {spec.short_name}: {split} has {len(parts[split])} usable rows, expected at least {least}; add "
                "rows, or give a larger file"
            )
        values = np.asarray(parts[split].labels)
        if np.ptp(values) == 0:
            raise DataError(
                f"task {spec.short_name}: all {len(values)} {split} rows have the label {values[0]:g}; expected "
                "numbers that vary. Is it the right label column?"
            )
    learned = np.asarray(parts["train"].labels, dtype=np.float64)
    return Scale(label, float(learned.mean()), float(learned.std()), columns), parts, tuple(notes), intake


def _has_commas(tables: Mapping[str, Table], label: str) -> bool:
    """Look at each label; tell whether numbers are written with decimal commas.

    Raises:
        DataError: Naming the first that is no number.
    """
    rows = [(table, place, row[label]) for table in tables.values() for place, row in table.rows]
    rows = [(table, place, value) for table, place, value in rows if not is_missing(value)]
    comma = any("," in (text_of(value) or "") for _, _, value in rows)
    for table, place, value in rows:
        number = read_number(value, comma)
        if not math.isfinite(number):
            raise DataError(
                f"'{table.source}', {place}: the label column '{label}' holds {_in_words(value)}; expected a number. "
                "Mend it, empty it to leave the row out, or name another column by --label"
            )
    return comma


def _in_words(value: Any) -> str:
    text = text_of(value)
    return repr(value)[:60] if text is None else f"'{text[:60]}'"


def _strata(numbers: Any) -> list[str]:
    """Return for each number in which part of the scale it lies, by rank."""
    values = np.asarray(numbers, dtype=np.float64)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _PARTS + 1)[1:-1]))
    return [str(part) for part in np.searchsorted(edges, values, side="right")]
