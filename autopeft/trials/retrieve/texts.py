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
from autopeft.trials.retrieve.contrast import mark_of

__all__ = ["TextBatch", "batch_of_texts", "encode_texts"]


class TextBatch(dict[str, torch.Tensor]):
    """A batch as a model takes it, which knows as well what each row is.

    Its `labels` say of each row what it is to each query of the batch, int64 `[batch, queries]`.

    Attributes:
        texts: Of each row its query, and the name of the document; None where the row is the query.
    """

    texts: Sequence[tuple[Query, str | None]]


def encode_texts(split: Queries, schema: Vectors, tokenizer: Any, max_length: int) -> EncodedQueries:
    """Tokenise each query and, after it, its documents; each with its prompt, and 1 as label of relevant documents.

    Args:
        split: The queries.
        schema: Names the prompts.
        tokenizer: A tokenizer of transformers.
        max_length: Texts are cut to this many tokens.
    """
    before_query, before_document = schema.prompt("query"), schema.prompt("document")
    texts: list[str] = []
    labels: list[int] = []
    for query in split.queries:
        texts.append(before_query + query.text)
        texts.extend(before_document + split.corpus[name] for name in query.documents)
        labels += [0, *(int(grade > 0) for grade in query.grades)]
    found = encode(LabelledTexts(texts, labels), tokenizer, max_length)
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
        [mark_of(name, of == number, query.relevant) for (_, name), of in zip(batch.texts, numbers, strict=True)]
        for (query, found), number in zip(batch.texts, numbers, strict=True)
        if found is None
    ]
    batch["labels"] = torch.tensor(columns, dtype=torch.int64).reshape(-1, len(group)).T
    return batch
