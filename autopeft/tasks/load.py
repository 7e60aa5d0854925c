"""Load a task from its spec."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from autopeft.errors import DataError
from autopeft.tasks.beside import with_beside
from autopeft.tasks.classification.icd10 import ICD10, ICD10_CHAPTERS, load_cut
from autopeft.tasks.duplicates import with_duplicates_said, without_duplicates
from autopeft.tasks.grouping import with_enough_groups
from autopeft.tasks.kinds import recognised
from autopeft.tasks.pool import check_pool, with_pool
from autopeft.tasks.source import Source
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.splits import LEAST_ROWS
from autopeft.tasks.task import Task

__all__ = ["PACKAGED", "PackagedTask", "load_task"]


@dataclass(frozen=True)
class PackagedTask:
    """A task that comes with the package or one of its extras.

    Args:
        summary: One line for people.
        load: Makes the task, given a metric or none.
    """

    summary: str
    load: Callable[[str | None], Task]


PACKAGED: Mapping[str, PackagedTask] = {
    ICD10_CHAPTERS.name: PackagedTask(
        "diagnosis description -> one of 20 chapters (simple-icd-10-cm)", partial(load_cut, ICD10_CHAPTERS)
    ),
    ICD10.name: PackagedTask(
        "diagnosis description -> one of ten body systems (simple-icd-10-cm)", partial(load_cut, ICD10)
    ),
}


def load_task(spec: TaskSpec) -> Task:
    """Load a task.

    Args:
        spec: Where its data comes from.

    Raises:
        DataError: When the data cannot be found, read or used.
    """
    if spec.name:
        return _packaged(spec, spec.name)
    source = Source(spec)
    if spec.parts:
        # Each says itself what repeats in it.
        return with_beside(recognised(source).load(source), source, spec.beside)
    kind = recognised(source)
    check_pool(source, kind)
    task = source.grouped(kind.load(source))
    task = replace(task, allow_code=spec.allow_code)
    if not spec.drop_duplicates:
        task = with_enough_groups(with_duplicates_said(task))
        return with_beside(with_pool(task, source), source, spec.beside)
    task = with_enough_groups(without_duplicates(task))
    task = with_beside(with_pool(task, source), source, spec.beside)
    for name, least in LEAST_ROWS.items():
        if len(task.splits[name]) < least:
            raise DataError(
                f"task {task.name}: without duplicates {name} has {len(task.splits[name])} examples, expected at least "
                f"{least}; add rows, or leave --drop-duplicates out"
            )
    return task


def _packaged(spec: TaskSpec, name: str) -> Task:
    if name not in PACKAGED:
        near = difflib.get_close_matches(name, PACKAGED, n=1)
        raise DataError(
            f"unknown task '{name}'; expected one of: {', '.join(PACKAGED)}"
            + (f" (did you mean '{near[0]}'?)" if near else "")
            + ", or a file with --data"
        )
    task = PACKAGED[name].load(spec.metric)
    if spec.called:
        task = replace(task, name=spec.called)
    if spec.beside:
        raise DataError(
            f"the task {name} is packaged and has no columns beside; the space goes by {', '.join(spec.beside)}: give "
            "data with it by --data, or leave that out of `data` of the space"
        )
    if spec.pool is not None:
        raise DataError(f"the task {name} is packaged and has no pool; give data by --data, or leave --pool out")
    if spec.kind not in (None, task.kind.name) or spec.columns:
        raise DataError(
            f"the task {name} is packaged, for {task.kind.name}, with columns of its own; leave kind and columns out, "
            "or give other data by --data"
        )
    return task
