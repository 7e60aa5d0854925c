"""Batches hold whole queries, and parts of them too."""

import numpy as np
import pytest
from transformers import AutoTokenizer

from autopeft.tasks.ranking.queries import Queries, Query
from autopeft.testing.models import tiny_backbone
from autopeft.trials.by_example import in_groups, in_parts
from autopeft.trials.rerank.pairs import batch_of_queries, encode_queries

SIZES = (3, 1, 4, 2, 5, 2, 3)


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    tokenizer = AutoTokenizer.from_pretrained(tiny_backbone("bert", tmp_path_factory.mktemp("model")))
    corpus = {f"{query}-{n}": "good film " * (1 + query + n) for query, size in enumerate(SIZES) for n in range(size)}
    queries = [
        Query(f"q {query}", tuple(f"{query}-{n}" for n in range(size)), tuple(range(size)))
        for query, size in enumerate(SIZES)
    ]
    return encode_queries(Queries(queries, corpus), tokenizer, 16)


def whole(encoded, rows):
    """Return the numbers of the queries of rows, which have to be all of each, in order."""
    numbers = encoded.example[rows]
    kept = [*dict.fromkeys(numbers.tolist())]
    assert rows.tolist() == encoded.rows_of(np.array(kept)).tolist()
    return kept


@pytest.mark.parametrize("rng", [None, 0])
def test_groups_and_parts_are_of_whole_queries(encoded, rng):
    groups = in_groups(encoded, 3, None if rng is None else np.random.default_rng(rng))
    assert sorted(query for rows in groups for query in whole(encoded, rows)) == [*range(7)]
    for rows in groups:
        for at_once in (1, 2, 3, 9):
            parts = in_parts(encoded, rows, at_once)
            assert np.concatenate(parts).tolist() == rows.tolist()
            assert all(len(whole(encoded, part)) <= at_once for part in parts)
            assert len(parts) == -(-len(whole(encoded, rows)) // at_once)


def test_a_batch_knows_its_queries(encoded):
    rows = encoded.rows_of(np.array([4, 1, 2]))
    batch = batch_of_queries(encoded, rows, 0)
    assert batch.number.tolist() == [0] * 5 + [1] + [2] * 4
    assert [query.text for query in batch.queries] == ["q 4", "q 1", "q 2"]
    assert batch["labels"].tolist() == [0, 1, 2, 3, 4, 0, 0, 1, 2, 3]


def test_rows_that_are_taken_keep_their_queries(encoded):
    some = encoded.take(encoded.rows_of(np.array([5, 0])))
    assert [query.text for query in some.queries] == ["q 5", "q 0"]
    assert some.example.tolist() == [0, 0, 1, 1, 1]
    assert batch_of_queries(some, np.arange(2, 5), 0).queries[0].text == "q 0"
