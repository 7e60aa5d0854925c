"""Which rows something was trained on, kept as hashes beside it."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks.kind import TaskKind
from autopeft.tasks.task import Split

__all__ = ["TRAINING_ROWS", "row_hashes"]

#: File beside adapters with the hashes of the rows that they were trained on.
TRAINING_ROWS = "training_rows.npy"


def row_hashes(kind: TaskKind, split: Split) -> NDArray[np.uint64]:
    """Return a hash of the input of each row, as the kind of its task has it.

    Args:
        kind: The kind.
        split: The rows.

    Returns:
        The first 8 bytes of a sha256 for each row, uint64 `[n]`.
    """
    digests = b"".join(hashlib.sha256(json.dumps(row).encode()).digest()[:8] for row in kind.inputs(split))
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
