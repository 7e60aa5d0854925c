"""A pool: further rows that data levers may choose to learn from, none of which stands in what is held out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.grouping import groups_of
from autopeft.tasks.intake import Intake
from autopeft.tasks.source import Source
from autopeft.tasks.splits import HELD_OUT
from autopeft.tasks.tables import Table
from autopeft.tasks.task import POOL, Task

__all__ = ["check_pool", "used_rows", "with_pool"]

_HELD_OUT = "stands in validation or test"


def check_pool(source: Source, kind: Any) -> None:
    """Refuse a pool beside data whose examples are not rows of a table.

    Raises:
        DataError: They are not.
    """
    if source.spec.pool is not None and (not kind.of_rows or kind.layout_of(source) is not None):
        raise DataError(
            f"--pool '{source.spec.pool}' holds rows to choose from, and examples of '{source.name}' ({kind.name}) are "
            "not the rows of a table; leave it out"
        )


def with_pool(task: Task, source: Source) -> Task:
    """Return a task whose pool is without what is held out, which its account says.

    Args:
        task: The task, whose pool holds all rows that can be read.
        source: Where its rows come from.

    Raises:
        DataError: When its kind has read no pool, or nothing of it is left.
    """
    if source.spec.pool is None:
        return task
    account = task.intake.get(POOL)
    if task.pool is None or account is None:
        raise DataError(f"--pool: tasks of {task.kind.name} read none; leave it out")
    places = [place for place, _ in used_rows(source.tables[POOL], account)]
    drops: dict[str, list[str]] = defaultdict(list)
    kept = []
    for number, (place, reason) in enumerate(zip(places, _reasons(task, source, account), strict=True)):
        if reason:
            drops[reason].append(place)
        else:
            kept.append(number)
    every = {**account.drops, **{reason: tuple(found) for reason, found in drops.items()}}
    account = replace(account, drops=every)
    if not kept:
        raise DataError(f"--pool: no row is left of it: {'; '.join(account.describe())}. Name another file")
    found = replace(task, pool=task.pool.take(kept), intake={**task.intake, POOL: account})
    return replace(found, notes=(*task.notes, *_said(found, source)))


def used_rows(table: Table, account: Intake) -> list[Any]:
    """Return the rows of a table that its account says are used, in their order."""
    left_out = {place for places in account.drops.values() for place in places}
    return [row for row in table.rows if row[0] not in left_out]


def _reasons(task: Task, source: Source, account: Intake) -> Iterator[str]:
    """Yield for each row of the pool why it is left out; nothing where it is not."""
    kind, group, tables = task.kind, source.spec.group, source.tables
    held = {question for name in HELD_OUT for question in kind.questions(task.splits[name])}
    apart: set[str] = set()
    groups: Sequence[str] = [""] * len(task.pool)
    if group is not None and group in tables[POOL].columns:
        apart = {each for name in HELD_OUT for each in groups_of(tables[name], group, task.intake[name])}
        groups = [each if each.startswith("group ") else "" for each in groups_of(tables[POOL], group, account)]
    seen: set[Hashable] = set(map(_known_by, kind.inputs(task.train))) if source.spec.drop_duplicates else set()
    for question, given, its in zip(kind.questions(task.pool), kind.inputs(task.pool), groups, strict=True):
        if question in held:
            yield _HELD_OUT
        elif its and its in apart:
            yield f"of a group of '{group}' that {_HELD_OUT}"
        elif source.spec.drop_duplicates and _known_by(given) in seen:
            yield "stands in train, or in the pool before"
        else:
            yield ""
        if source.spec.drop_duplicates:
            seen.add(_known_by(given))


def _known_by(given: Any) -> str:
    return repr(given)


def _said(task: Task, source: Source) -> Iterator[str]:
    yield f"a pool of {len(task.pool):,} rows, of which `select` chooses some to be learned beside the training rows"
    own = set(map(_known_by, task.kind.inputs(task.train)))
    again = sum(_known_by(given) in own for given in task.kind.inputs(task.pool))
    if again:
        yield f"{again:,} of {len(task.pool):,} rows of the pool also stand in train; --drop-duplicates leaves them out"
    group = source.spec.group
    if group is not None and group not in source.tables[POOL].columns:
        yield f"the pool has no column '{group}': whether rows of it are of a group that is held out cannot be told"
