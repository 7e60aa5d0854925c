"""Rows of queries: those of a query follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autopeft.tasks import Encoded
from autopeft.tasks.ranking.queries import Query

__all__ = ["EncodedQueries"]


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
        assert found.example is not None
        first = np.flatnonzero(np.diff(found.example, prepend=-1))
        queries = [self.queries[number] for number in numbers[first]]
        return EncodedQueries(
            found.inputs, found.labels, found.truncated, found.dropped, found.example, queries=queries
        )
