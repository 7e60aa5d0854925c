"""Rows of queries: those of a query follow each other, and go through a model together when something is learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autopeft.tasks import Encoded, grouped
from autopeft.tasks.ranking.queries import Query

__all__ = ["EncodedQueries", "in_groups", "in_parts"]


@dataclass(frozen=True)
class EncodedQueries(Encoded):
    """What is read of queries and their documents as tokens; the rows of a query follow each other.

    Args:
        queries: The queries, in the order of the numbers in `example`.
    """

    queries: Sequence[Query] = ()

    def take(self, indices: Sequence[int] | np.ndarray) -> EncodedQueries:
        """Return the rows at the indices, in their order; those of a query together."""
        found = super().take(indices)
        assert self.example is not None
        numbers = self.example[np.asarray(indices, np.int64)]
        first = np.flatnonzero(np.diff(numbers, prepend=-1))
        queries = [self.queries[number] for number in numbers[first]]
        return EncodedQueries(
            found.inputs, found.labels, found.truncated, found.dropped, found.example, queries=queries
        )


def in_groups(encoded: Encoded, batch_size: int, rng: np.random.Generator | None) -> list[np.ndarray]:
    """Choose which rows go together: all of so many queries; see `autopeft.tasks.grouped`."""
    assert encoded.example is not None
    lengths = np.zeros(encoded.examples, np.int64)
    np.maximum.at(lengths, encoded.example, encoded.lengths)
    longest = Encoded({"input_ids": [[0] * length for length in lengths.tolist()]}, None)
    return [encoded.rows_of(group) for group in grouped(longest, batch_size, rng)]


def in_parts(encoded: Encoded, group: np.ndarray, at_once: int) -> list[np.ndarray]:
    """Divide the rows of a batch into those of so many queries."""
    assert encoded.example is not None
    starts = np.flatnonzero(np.diff(encoded.example[group])) + 1
    return np.split(group, starts[at_once - 1 :: at_once])
