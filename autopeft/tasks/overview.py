"""What a search would read of a task's data, as plain data: rows, drops, labels, lengths, examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autopeft.tasks.task import Task

__all__ = ["SHOWN", "lengths_of", "overview"]

#: Examples that are shown.
SHOWN = 3


def overview(task: Task, tokenizer: Any = None) -> dict[str, Any]:
    """Return what there is to see of a task before anything trains, as JSON data.

    Args:
        task: The data.
        tokenizer: A tokenizer of transformers; without one lengths are counted in characters, and what decoders learn
            is not marked.

    Returns:
        `task`, `metric`, `kind`; `sources` with the account of each source's rows; `splits` with the examples of each,
        and what the kind shows: `lengths` of the training examples, some `examples`, perhaps `labels` by split.
    """
    return {
        "task": task.name,
        "kind": task.kind.name,
        "metric": task.metric,
        "fingerprint": task.fingerprint,
        "sources": {split: intake.to_dict() for split, intake in task.intake.items()},
        "notes": list(task.notes),
        "splits": {name: {"examples": len(split)} for name, split in task.splits.items()},
        **task.kind.overview(task, tokenizer),
    }


def lengths_of(lengths: Sequence[int] | np.ndarray, unit: str) -> dict[str, Any]:
    """Return how long examples are.

    Args:
        lengths: The length of each.
        unit: What they are counted in.
    """
    values = np.asarray(lengths)
    return {
        "unit": unit,
        "shortest": int(values.min()),
        "median": float(np.median(values)),
        "95th percentile": float(np.quantile(values, 0.95, method="higher")),
        "longest": int(values.max()),
    }
