"""Which rows something was trained on, kept as hashes beside it."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks.causal import CausalSplit
from autopeft.tasks.causal.turns import recorded
from autopeft.tasks.task import Split

__all__ = ["TRAINING_ROWS", "row_hashes"]

#: File beside adapters with the hashes of the rows that they were trained on.
TRAINING_ROWS = "training_rows.npy"


def row_hashes(split: Split | CausalSplit) -> NDArray[np.uint64]:
    """Return a hash of each row: of its text or texts without the label, of a decoder's row with what is learned.

    Args:
        split: The rows.

    Returns:
        The first 8 bytes of a sha256 for each row, uint64 `[n]`.
    """
    rows = split.texts if isinstance(split, Split) else map(recorded, split.examples)
    digests = b"".join(hashlib.sha256(json.dumps(row).encode()).digest()[:8] for row in rows)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
