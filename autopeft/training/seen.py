"""How many rows adapters have seen in training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autopeft.tasks import Split, TaskKind
from autopeft.tasks.row_hashes import TRAINING_ROWS, row_hashes

__all__ = ["seen_rows"]


def seen_rows(folder: Path, kind: TaskKind, split: Split) -> int | None:
    """Count the rows of a split that saved adapters were trained on, whatever their labels were.

    Args:
        folder: The adapters.
        kind: The kind of the task.
        split: The rows.

    Returns:
        How many; None where it is not recorded what the adapters were trained on.
    """
    try:
        # Mapped, so that a broken header makes no room for what is not there.
        known = np.load(folder / TRAINING_ROWS, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        # There is none, as in folders of earlier versions, or it is broken.
        return None
    if getattr(known, "dtype", None) != np.uint64 or known.ndim != 1:
        return None
    return int(np.isin(row_hashes(kind, split), known).sum())
