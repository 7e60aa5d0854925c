"""Whether what one task is measured on is trained on by another, where adapters are shared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.row_hashes import row_hashes
from autopeft.tasks.splits import HELD_OUT, LEAST_ROWS
from autopeft.tasks.task import Task

if TYPE_CHECKING:
    from autopeft.tasks.several.kind import Several

__all__ = ["apart"]


def apart(kind: Several, task: Task, *, leave_out: bool) -> Task:
    """Return a task that says which inputs of validation and test stand in train of another of its tasks.

    Args:
        kind: Its kind.
        task: Several tasks, trained on together.
        leave_out: Whether train is to give way.

    Raises:
        DataError: When too little is left of a task to train on.
    """
    parts = kind.parts_of(task)
    hashes = [{name: row_hashes(part.kind, split) for name, split in part.splits.items()} for part in parts]
    notes, dropped = [], np.zeros(len(task.train), bool)
    for number, (places, _) in enumerate(task.train.divided()):
        train, name = hashes[number]["train"], parts[number].name
        for other, held in enumerate(hashes):
            if other == number:
                continue
            for split in HELD_OUT:
                both = int(np.isin(held[split], train).sum())
                if both and not leave_out:
                    total = len(held[split])
                    notes.append(
                        f"{both:,} of {total:,} {split} inputs of {parts[other].name} also stand in train of {name}"
                    )
                dropped[places] |= np.isin(train, held[split])
        left = len(places) - int(dropped[places].sum())
        if leave_out and left < LEAST_ROWS["train"]:
            raise DataError(
                f"tasks: without what other tasks are measured on, train of {name} has {left} examples, expected at "
                f"least {LEAST_ROWS['train']}; add rows, or leave --drop-duplicates out"
            )
    if not dropped.any():
        return task
    if not leave_out:
        return replace(
            task, notes=(*task.notes, *notes, "the adapters of all learn these; --drop-duplicates leaves them out")
        )
    kept = np.flatnonzero(~dropped)
    groups = dict(task.groups)
    if "train" in groups:
        groups["train"] = [groups["train"][place] for place in kept.tolist()]
    said = f"left out of train, as other tasks are measured on it: {int(dropped.sum()):,} of {len(dropped):,} inputs"
    return replace(task, train=task.train.take(kept), groups=groups, notes=(*task.notes, said))
