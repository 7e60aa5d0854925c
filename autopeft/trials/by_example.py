"""Batches of whole examples, where an example has several rows: what is learned compares these with each other."""

from __future__ import annotations

import numpy as np

from autopeft.tasks import Encoded, grouped

__all__ = ["in_groups", "in_parts"]


def in_groups(encoded: Encoded, batch_size: int, rng: np.random.Generator | None) -> list[np.ndarray]:
    """Choose which rows go together: all of so many examples; see `autopeft.tasks.grouped`."""
    assert encoded.example is not None
    lengths = np.zeros(encoded.examples, np.int64)
    np.maximum.at(lengths, encoded.example, encoded.lengths)
    longest = Encoded({"input_ids": [[0] * length for length in lengths.tolist()]}, None)
    return [encoded.rows_of(group) for group in grouped(longest, batch_size, rng)]


def in_parts(encoded: Encoded, group: np.ndarray, at_once: int) -> list[np.ndarray]:
    """Divide the rows of a batch into those of so many examples."""
    assert encoded.example is not None
    starts = np.flatnonzero(np.diff(encoded.example[group])) + 1
    return np.split(group, starts[at_once - 1 :: at_once])
