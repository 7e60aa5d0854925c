"""From tables by split to a task for causal language models."""

from __future__ import annotations

from collections.abc import Mapping

from autopeft.errors import DataError
from autopeft.tasks.build import LEAST_ROWS
from autopeft.tasks.causal.examples import example_of
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.task import CausalSplit, CausalTask
from autopeft.tasks.files import Table
from autopeft.tasks.metrics import CAUSAL_METRICS
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.splits import held_out_rows

__all__ = ["build_causal_task"]


def build_causal_task(spec: TaskSpec, form: Format, tables: Mapping[str, Table]) -> CausalTask:
    """Make a task of tables.

    Args:
        spec: Where they come from.
        form: What form the examples have.
        tables: `train`, and `validation` and `test` where they are given; the others are split off `train`.

    Raises:
        DataError: When an example is incomplete or of another form, or there are too few.
    """
    parts = {split: _split(table, form) for split, table in tables.items()}
    missing = [split for split in ("validation", "test") if split not in parts]
    notes = []
    if missing:
        train = parts["train"]
        # Equal questions must not be on both sides, whatever their answers.
        asked = [example[:-1] or example for example in train.examples]
        rows = held_out_rows(asked, [""] * len(train), missing, spec.seed)
        parts |= {split: train.take(chosen) for split, chosen in rows.items()}
        notes.append(f"{' and '.join(missing)} split off the training rows (seed {spec.seed})")
    for split, least in LEAST_ROWS.items():
        if len(parts[split]) < least:
            raise DataError(
                f"task {spec.short_name}: {split} has {len(parts[split])} examples, expected at least {least}; "
                "add rows, or give a larger file"
            )
    return CausalTask(spec.short_name, form, spec.metric or CAUSAL_METRICS[0], **parts, notes=tuple(notes))


def _split(table: Table, form: Format) -> CausalSplit:
    """Make the examples of a table."""
    if not table.rows:
        raise DataError(f"'{table.source}' holds no rows; expected some with {form.describe()}")
    absent = [column for column in form.columns if column not in table.columns]
    if absent:
        raise DataError(
            f"'{table.source}' has no column '{absent[0]}'; found: {', '.join(table.columns)}. "
            "Name the columns with messages, with prompt and completion, or with text and the kind causal"
        )
    places = [f"'{table.source}', {place}" for place, _ in table.rows]
    examples = [example_of(row, form, place) for place, (_, row) in zip(places, table.rows, strict=True)]
    # Whole, as each of them was looked at above.
    choices = [tuple(map(str, row[form.choices])) for _, row in table.rows] if form.choices else None
    return CausalSplit(examples, choices, places)
