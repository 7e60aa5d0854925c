"""Queries with their documents as tokens, and batches of whole queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autopeft.tasks import Encoded, collate, encode, grouped
from autopeft.tasks.ranking.queries import Queries, Query

__all__ = [
    "EncodedQueries",
    "QueryBatch",
    "batch_of_queries",
    "encode_queries",
    "in_groups",
    "in_parts",
    "numbers_of",
]


@dataclass(frozen=True)
class EncodedQueries(Encoded):
    """Pairs of a query and a document as tokens; those of a query follow each other.

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
        return EncodedQueries(found.inputs, found.labels, found.truncated, found.dropped, found.example, queries)


class QueryBatch(dict[str, torch.Tensor]):
    """A batch as a model takes it, which knows as well of which query each row is.

    Attributes:
        number: For each row the number of its query in the batch, rising from 0, int64 `[batch]`.
        queries: The queries.
    """

    number: torch.Tensor
    queries: Sequence[Query]


def encode_queries(split: Queries, tokenizer: Any, max_length: int) -> EncodedQueries:
    """Tokenise each query with each of its documents; labels are grades, float32.

    Args:
        split: The queries.
        tokenizer: A tokenizer of transformers.
        max_length: Pairs are cut to this many tokens, the longer text first.
    """
    found = encode(split.labelled(), tokenizer, max_length, np.float32)
    return EncodedQueries(found.inputs, found.labels, found.truncated, example=numbers_of(split), queries=split.queries)


def numbers_of(split: Queries) -> np.ndarray:
    """Return for each query with each of its documents the number of the query, int64 `[pairs]`."""
    return np.repeat(np.arange(len(split)), [len(query.documents) for query in split.queries])


def batch_of_queries(encoded: EncodedQueries, group: np.ndarray, pad_id: int) -> QueryBatch:
    """Make the batch of all rows of some queries; arguments as for `autopeft.tasks.collate`."""
    assert encoded.example is not None
    batch = QueryBatch(collate(encoded, group, pad_id))
    numbers = encoded.example[group]
    first = np.diff(numbers, prepend=-1) != 0
    batch.number = torch.from_numpy(np.cumsum(first) - 1)
    batch.queries = [encoded.queries[number] for number in numbers[first]]
    return batch


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
