"""Split rows for the user so that groups of them stay together: those of one author, one patient, one document."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.intake import Intake
from autopeft.tasks.splits import HELD_OUT, held_out_share
from autopeft.tasks.tables import Table, is_missing, text_of
from autopeft.tasks.task import Task

__all__ = ["groups_of", "split_by_group", "with_enough_groups"]

#: With fewer groups in a split, how they differ cannot be told.
_LEAST_GROUPS = 8

#: Of so many draws the one is taken in which the labels are spread most evenly.
_DRAWS = 32


def split_by_group(tables: Mapping[str, Table], group: str, label: str, seed: int) -> dict[str, Table]:
    """Split off the splits that are missing, whole groups at a time.

    Args:
        tables: `train`, and perhaps others.
        group: The column that says to which group a row belongs; rows without one are groups of their own.
        label: A column whose values shall be spread evenly, where there is one.
        seed: Seed of the draws.

    Returns:
        All three splits.

    Raises:
        DataError: When there is no such column, or too few groups.
    """
    train = tables["train"]
    missing = [name for name in ("validation", "test") if name not in tables]
    if group not in train.columns:
        raise DataError(
            f"'{train.source}' has no column '{group}' to keep rows together by; found: {', '.join(train.columns)}. "
            "Name one by --group, or leave it out"
        )
    if not missing:
        return {name: replace(table, used=table.used | {group}) for name, table in tables.items()}
    members: dict[str, list[int]] = defaultdict(list)
    for number, (_, row) in enumerate(train.rows):
        members[_name(row.get(group), number)].append(number)
    groups = list(members.values())
    if len(groups) <= len(missing):
        raise DataError(
            f"'{train.source}': the column '{group}' holds {len(groups)} group{'s' * (len(groups) != 1)}, expected "
            f"more than {len(missing)} to split {' and '.join(missing)} off; give them as files, or name another column"
        )
    values = [str(row.get(label)) for _, row in train.rows] if label in train.columns else [""] * len(train.rows)
    rng = np.random.default_rng(seed)
    draws = [_draw(groups, missing, len(train.rows), rng) for _ in range(_DRAWS)]
    best = min(draws, key=lambda parts: _unevenness(parts, values))
    said = (
        f"{' and '.join(missing)} split off the training rows by '{group}', {len(groups):,} groups, each whole in one "
        f"split (seed {seed})"
    )
    used = train.used | {group}
    found = {name: replace(train, rows=[train.rows[row] for row in rows], used=used) for name, rows in best.items()}
    found["train"] = replace(found["train"], notes=(*train.notes, said))
    return {**found, **{name: table for name, table in tables.items() if name != "train"}}


def groups_of(table: Table, group: str, intake: Intake) -> tuple[str, ...]:
    """Return the groups of the rows of a table that are used; rows without one are groups of their own.

    Args:
        table: The table.
        group: The column that says to which group a row belongs.
        intake: The account of its rows.
    """
    dropped = {place for places in intake.drops.values() for place in places}
    return tuple(
        _name(row.get(group), number) for number, (place, row) in enumerate(table.rows) if place not in dropped
    )


def with_enough_groups(task: Task) -> Task:
    """Return a task without its groups where a split that is measured on holds too few to tell how they differ."""
    if not task.groups:
        return task
    few = min(HELD_OUT, key=lambda name: len(set(task.groups[name])))
    count = len(set(task.groups[few]))
    if count >= _LEAST_GROUPS:
        return task
    said = (
        f"{few} holds {count} group{'s' * (count != 1)}, too few to tell how groups differ: intervals are over each "
        f"{task.judge.unit}, and hold for these groups alone"
    )
    return replace(task, groups={}, notes=(*task.notes, said))


def _name(value: Any, number: int) -> str:
    return f"row {number}" if is_missing(value) else f"group {text_of(value)}"


def _draw(
    groups: Sequence[Sequence[int]], missing: Sequence[str], total: int, rng: np.random.Generator
) -> dict[str, list[int]]:
    """Give groups in random order to splits that lack rows, where they fit; the rest to `train`."""
    wanted = {name: held_out_share(total, name) * total for name in missing}
    parts: dict[str, list[int]] = {name: [] for name in ("train", *missing)}
    order = [groups[place] for place in rng.permutation(len(groups))]
    for place, rows in enumerate(order):
        left = len(order) - place
        empty = [name for name in missing if not parts[name]]
        fitting = [name for name in missing if len(parts[name]) + len(rows) / 2 <= wanted[name]]
        # The last groups go to splits that have none yet, however large they are.
        name = empty[0] if left <= len(empty) else fitting[0] if fitting else "train"
        parts[name] += rows
    return {name: sorted(rows) for name, rows in parts.items()}


def _unevenness(parts: Mapping[str, Sequence[int]], values: Sequence[str]) -> float:
    """Return how far the shares of values in the splits are from those in all rows, and sizes from train's right."""
    whole = Counter(values)
    total = len(values)
    found = 0.0 if parts["train"] else np.inf
    for rows in parts.values():
        counts = Counter(values[row] for row in rows)
        found += sum(abs(counts[value] / max(1, len(rows)) - count / total) for value, count in whole.items())
    return float(found)
