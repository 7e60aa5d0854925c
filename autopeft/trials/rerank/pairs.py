"""Queries with their documents as tokens, and batches of whole queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from autopeft.tasks import collate, encode
from autopeft.tasks.ranking.queries import Queries, Query
from autopeft.trials.ranking.rows import EncodedQueries

__all__ = ["QueryBatch", "batch_of_queries", "encode_queries", "numbers_of"]


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


def batch_of_queries(encoded: EncodedQueries, group: np.ndarray, pad_id: int) -> QueryBatch:
    """Make the batch of all rows of some queries; arguments as for `autopeft.tasks.collate`."""
    assert encoded.example is not None
    batch = QueryBatch(collate(encoded, group, pad_id))
    numbers = encoded.example[group]
    first = np.diff(numbers, prepend=-1) != 0
    batch.number = torch.from_numpy(np.cumsum(first) - 1)
    batch.queries = [encoded.queries[number] for number in numbers[first]]
    return batch


def numbers_of(split: Queries) -> np.ndarray:
    """Return for each query with each of its documents the number of the query, int64 `[pairs]`."""
    return np.repeat(np.arange(len(split)), [len(query.documents) for query in split.queries])
