"""What a user can get wrong in data levers."""

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.rows import CSV, TAGGED, TALKS, TOPICS, beir, csv, jsonl
from tests.bad_input.test_kinds import BERT, LLAMA


def lever(data: str) -> dict[str, str]:
    """Return a space with one lever."""
    return {"mine.yaml": f"name: mine\nmodules: {{lora: {{rank: 1 | 2}}}}\ndata: {{{data}}}\n"}


def judged(number: int) -> dict[str, object]:
    """Return a row of a query, every second of which finds what it asks for."""
    asked, right = divmod(number, 2)
    found = asked if right else asked + 1
    return {"query": f"what of number{asked}", "document": f"of number{found}", "relevance": right, "fails": 0.5}


LEVERS = [
    Case(
        "other words where each has a tag",
        BERT + ".jsonl --space mine.yaml",
        ("data.augment eda: there is no such lever", "(tokens): other words may change what is told; leave it out"),
        {"data.jsonl": TAGGED} | lever("augment: none | eda"),
    ),
    Case(
        "mixed answers of a decoder",
        LLAMA.replace("--space lora", "--space mine.yaml") + ".jsonl",
        ("data.augment mixup: there is no such lever", "(causal): answers cannot be mixed; leave it out"),
        {"data.jsonl": TALKS} | lever("augment: mixup"),
    ),
    Case(
        "one label each where there are several",
        BERT + ".jsonl --space mine.yaml",
        ("data.contrastive supervised: there is no such lever", "(multilabel): examples have no single label each"),
        {"data.jsonl": TOPICS} | lever("contrastive: none | supervised"),
    ),
    Case(
        "another column that is empty",
        BERT + ".csv --space mine.yaml",
        ("the column 'other' is empty in all training rows", "name another by data.column, or leave that out"),
        {"data.csv": csv(lambda n: f"good film number{n},{'ab'[n % 2]},", "text,label,other")} | lever("column: other"),
    ),
    Case(
        "back-translations that are not there",
        BERT + ".csv --space mine.yaml",
        ("has no column 'back_translation', by which the space goes; found: text, label",),
        {"data.csv": CSV} | lever("augment: back_translation"),
    ),
    Case(
        "a pool of which nothing is chosen",
        BERT + ".csv --pool data.csv",
        ("holds rows for `select` to choose from, for which the space does not ask", "or no --pool"),
        {"data.csv": CSV},
    ),
    Case(
        "a pool with other labels",
        BERT + ".csv --space mine.yaml --pool pool.csv",
        ("the pool has labels that train lacks: 'c'", "leave such rows out of the file that --pool names"),
        {"data.csv": CSV, "pool.csv": "text,label\ngood film,c\n"} | lever("select: random"),
    ),
    Case(
        "a pool without the columns",
        BERT + ".csv --space mine.yaml --pool pool.csv",
        ("pool.csv' has no column 'label'; found: text, stars.",),
        {"data.csv": CSV, "pool.csv": "text,stars\ngood film,c\n"} | lever("select: random"),
    ),
    Case(
        "other queries of a folder",
        BERT + " --kind rerank --space mine.yaml",
        ("the space goes by rewritten, and '", "/data' is no table with such columns; give the data as rows with them"),
        beir() | lever("column: rewritten"),
    ),
    Case(
        "a share of failures of queries",
        BERT + ".jsonl --kind rerank --space mine.yaml",
        ("data.fail_rate: there is no such lever", "(rerank): examples are not rows, each with a share of its own"),
        {"data.jsonl": jsonl(judged, 80)} | lever("difficulty: proportional, fail_rate: fails"),
    ),
]


@pytest.mark.parametrize("case", LEVERS, ids=lambda case: case.name)
def test_levers_without_what_they_go_by_are_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)
