"""Queries and documents as tokens, each by itself, and batches of them that say what belongs together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from autopeft.tasks import LabelledTexts, collate, encode
from autopeft.tasks.ranking.queries import Queries, Query
from autopeft.tasks.retrieve import Vectors
from autopeft.trials.ranking.rows import EncodedQueries

__all__ = ["LEFT_OUT", "NEGATIVE", "QUERY", "TARGET", "TextBatch", "batch_of_texts", "encode_texts"]

#: What a document is to a query of a batch: not relevant, to be found, or relevant but not to be found here.
NEGATIVE, TARGET, LEFT_OUT = 0, 1, 2
#: What stands there in the rows of queries.
QUERY = 3


class TextBatch(dict[str, torch.Tensor]):
    """A batch as a model takes it, which knows as well what each row is.

    Its `labels` say of each row what it is to each query of the batch, int64 `[batch, queries]`.

    Attributes:
        texts: Of each row its query, and the name of the document; None where the row is the query.
    """

    texts: Sequence[tuple[Query, str | None]]


def encode_texts(split: Queries, schema: Vectors, tokenizer: Any, max_length: int) -> EncodedQueries:
    """Tokenise each query and, after it, its documents; each with its prompt.

    Args:
        split: The queries.
        schema: Names the prompts.
        tokenizer: A tokenizer of transformers.
        max_length: Texts are cut to this many tokens.
    """
    before_query, before_document = schema.prompt("query"), schema.prompt("document")
    texts: list[str] = []
    for query in split.queries:
        texts.append(before_query + query.text)
        texts.extend(before_document + split.corpus[name] for name in query.documents)
    found = encode(LabelledTexts(texts, [0] * len(texts)), tokenizer, max_length)
    number = np.repeat(np.arange(len(split)), [1 + len(query.documents) for query in split.queries])
    return EncodedQueries(found.inputs, found.labels, found.truncated, example=number, queries=split.queries)


def batch_of_texts(encoded: EncodedQueries, group: np.ndarray, pad_id: int) -> TextBatch:
    """Make the batch of some rows; arguments as for `autopeft.tasks.collate`."""
    assert encoded.example is not None
    batch = TextBatch(collate(encoded, group, pad_id))
    numbers = encoded.example[group]
    places = group - np.searchsorted(encoded.example, numbers)
    batch.texts = [
        (encoded.queries[number], encoded.queries[number].documents[place - 1] if place else None)
        for number, place in zip(numbers.tolist(), places.tolist(), strict=True)
    ]
    columns = [
        [_mark(name, of == number, query) for (_, name), of in zip(batch.texts, numbers, strict=True)]
        for (query, found), number in zip(batch.texts, numbers, strict=True)
        if found is None
    ]
    batch["labels"] = torch.tensor(columns, dtype=torch.int64).reshape(-1, len(group)).T
    return batch


def _mark(name: str | None, own: bool, query: Query) -> int:
    """Return what a row is to a query."""
    if name is None:
        return QUERY
    if name not in query.relevant:
        return NEGATIVE
    return TARGET if own else LEFT_OUT
