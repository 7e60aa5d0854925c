"""What a user can get wrong in queries and documents to be ranked."""

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.rows import beir, jsonl
from tests.bad_input.test_kinds import BERT, LLAMA

RANKING = [
    Case(
        "judgements left out",
        BERT + " --kind rerank",
        ("has a corpus and queries, but no judgements to train on: expected",),
        beir(qrels=""),
    ),
    Case(
        "documents left out",
        BERT + " --kind rerank",
        (
            "has files called after a split, and others: queries.jsonl",
            "name the files themselves, with --data, --validation and",
        ),
        beir(corpus=""),
    ),
    Case(
        "documents without a name",
        BERT + " --kind rerank",
        ("holds no corpus", "expected rows with _id and title and text"),
        beir(corpus=jsonl(lambda n: {"text": f"story {n}"})),
    ),
    Case(
        "two documents of one name",
        BERT + " --kind rerank",
        ("line 2: the _id 'd' stands in line 1 already", "give each its own"),
        beir(corpus=jsonl(lambda n: {"_id": "d", "text": f"story {n}"})),
    ),
    Case(
        "judgements of other documents",
        BERT + " --kind rerank",
        ("line 2: found 'x0', which no row of corpus.jsonl has as _id",),
        beir(qrels="query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\tx{n}\t1\n" for n in range(40))),
    ),
    Case(
        "judgements in words",
        BERT + " --kind rerank",
        ("line 2: found the score 'yes", "expected three cells between tabs, query-id, corpus-id and"),
        beir(qrels="query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\td{n}\tyes\n" for n in range(40))),
    ),
    Case(
        "nothing that is relevant",
        BERT + " --kind rerank",
        ("has 0 usable queries with relevant documents", "add judgements, or give a larger file"),
        beir(qrels="query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\td{n}\t0\n" for n in range(40))),
    ),
    Case(
        "one candidate",
        BERT + " --kind rerank --candidates 1",
        ("flags: candidates: found 1: input should be greater than or equal to 2",),
        beir(),
    ),
    Case(
        "grades by an encoder",
        BERT + " --kind rerank --grades 3",
        ("--grades is for decoders, and tiny-bert is none; leave it out, or name one by --model",),
        beir(),
    ),
    Case(
        "a set that holds fewer documents than are ranked",
        LLAMA + " --kind rerank --set-size 12",
        ("--set-size is 12, but 20 documents are ranked for a query of test", "or fewer --candidates: 6"),
        beir(),
    ),
    Case(
        "sets of one",
        LLAMA + " --kind rerank --set-size 1",
        ("flags: set_size: found 1: input should be greater than or equal to 2",),
        beir(),
    ),
    Case(
        "grades of sets",
        LLAMA + " --kind rerank --set-size 20 --grades 3",
        ("--grades are of documents alone, and --set-size shows several at once", "leave one of them out"),
        beir(),
    ),
    Case(
        "a loss that is none",
        BERT + " --kind rerank --loss hinge",
        ("flags: loss: found 'hinge': input should be 'pointwise', 'pairwise'",),
        beir(),
    ),
    Case(
        "a metric with another depth",
        BERT + " --kind rerank --metric ndcg@5",
        ("unknown metric 'ndcg@5' of a task of rerank", "expected one of: ndcg@10, mrr@10, map"),
        beir(),
    ),
    Case(
        "pooling that is none",
        BERT + " --kind retrieve --pooling max",
        ("flags: pooling: found 'max': input should be 'mean', 'first' or 'last",),
        beir(),
    ),
    Case(
        "candidates of what searches all",
        BERT + " --kind retrieve --candidates 5",
        ("--candidates is not for a task of retrieve", "leave it out"),
        beir(),
    ),
    Case(
        "relevance in words",
        BERT + ".jsonl --kind retrieve",
        ("line 1: the relevance is 'high", "expected a whole number of -1,000 to 1,000, 0 for a"),
        {"data.jsonl": jsonl(lambda n: {"query": f"what {n}", "document": f"story {n}", "relevance": "high"})},
    ),
    Case(
        "a query column that is not there",
        BERT + ".jsonl --kind rerank --query asked",
        ("has no column 'asked", "Name the columns with --query, --document and --relevance"),
        {"data.jsonl": jsonl(lambda n: {"query": f"what {n}", "document": f"story {n}", "relevance": 1})},
    ),
]


@pytest.mark.parametrize("case", RANKING, ids=lambda case: case.name)
def test_data_to_be_ranked_is_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)
