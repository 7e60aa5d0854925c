"""Inputs that stand in the data more than once: counted, and left out where that is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autopeft.tasks.row_hashes import row_hashes
from autopeft.tasks.task import Task

__all__ = ["with_duplicates_said", "without_duplicates"]


def with_duplicates_said(task: Task) -> Task:
    """Return a task whose notes say how many inputs repeat within a split, and how many stand in two."""
    hashes = {name: row_hashes(task.kind, split) for name, split in task.splits.items()}
    within = {name: len(found) - len(np.unique(found)) for name, found in hashes.items()}
    notes = []
    repeated = [f"{count:,} in {name}" for name, count in within.items() if count]
    if repeated:
        notes.append(f"inputs that repeat an earlier one of their split: {', '.join(repeated)}")
    for name, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        both = int(np.isin(hashes[name], hashes[other]).sum())
        if both:
            notes.append(f"{both:,} of {len(hashes[name]):,} {name} inputs also stand in {other}")
    if notes:
        notes.append("--drop-duplicates leaves repeated inputs out")
    return replace(task, notes=(*task.notes, *notes)) if notes else task


def without_duplicates(task: Task) -> Task:
    """Return a task in which each input stands once: in test before validation, in validation before train.

    What is held out stays as it is, but for its own repetitions: it is train that gives way.
    """
    seen = np.empty(0, np.uint64)
    kept, groups, left_out = {}, {}, []
    for name in ("test", "validation", "train"):
        split = task.splits[name]
        hashes = row_hashes(task.kind, split)
        _, first = np.unique(hashes, return_index=True)
        chosen = np.sort(first[~np.isin(hashes[first], seen)])
        kept[name] = split.take(chosen)
        if name in task.groups:
            groups[name] = [task.groups[name][place] for place in chosen]
        if len(chosen) < len(split):
            left_out.append(f"{len(split) - len(chosen):,} of {len(split):,} in {name}")
        seen = np.concatenate([seen, hashes])
    if not left_out:
        return task
    return replace(task, **kept, groups=groups, notes=(*task.notes, f"duplicates left out: {', '.join(left_out)}"))
