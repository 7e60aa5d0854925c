"""Metrics of what decoders write that cannot be had, or that may not be."""

from importlib.util import find_spec

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.rows import CSV, TALKS, jsonl

FLAGS = "--model {place}/tiny-llama --space lora --budget 20% --trials 2 --workers 0 --examples 20 --epochs 1"
SEARCH = f"search {FLAGS} --no-select -o run --data data.jsonl"

PROBLEM = {"text": "good story", "code": "the film", "test_list": ["assert film"]}
PROBLEMS = jsonl(lambda n: PROBLEM | {"text": f"good story {n}"})
QUERY = {"question": "what of it", "answer": "SELECT ?s WHERE { ?s ?p ?o }", "graph": "graph.ttl"}
ALLOWED = ("the metric passes runs code that models write", "add --allow-code", "A YAML file cannot allow it")

ANSWERS = [
    Case("code without leave", SEARCH + " --metric passes", ALLOWED, {"data.jsonl": PROBLEMS}),
    Case(
        "code allowed by a file",
        f"search plan.yaml {FLAGS} --no-select",
        ALLOWED,
        {"data.jsonl": PROBLEMS, "plan.yaml": "{data: data.jsonl, metric: passes, allow_code: true, out: run}"},
    ),
    Case(
        "code allowed by a word",
        f"search plan.yaml {FLAGS} --no-select",
        ("plan.yaml: allow_code: found 'yes': input should be a valid boolean",),
        {"data.jsonl": PROBLEMS, "plan.yaml": "{data: data.jsonl, metric: passes, allow_code: 'yes', out: run}"},
    ),
    Case(
        "code allowed for one of several tasks",
        f"search plan.yaml {FLAGS} --no-select",
        ("tasks: allow_code of number 1 names no data",),
        {
            "data.jsonl": PROBLEMS,
            "plan.yaml": "{tasks: [{data: data.jsonl, allow_code: true}, {data: data.jsonl}], out: run}",
        },
    ),
    Case(
        "programs without tests",
        SEARCH + " --metric passes --allow-code",
        ("has no column 'test_list', by which the metric passes judges answers", "Add it, or use another metric"),
        {"data.jsonl": TALKS},
    ),
    Case(
        "tests that are one text",
        SEARCH,
        ("line 1, 'test_list': found 'assert film'; expected a list of texts",),
        {"data.jsonl": jsonl(lambda n: PROBLEM | {"test_list": "assert film"})},
    ),
    Case(
        "so many candidates as there are not",
        SEARCH + " --metric exact_match@3",
        ("unknown metric 'exact_match@3' of a task of causal", "exact_match@5, exact_match@10, passes, relaxed_em"),
        {"data.jsonl": TALKS},
    ),
    Case(
        "programs to classify",
        "search --model {place}/tiny-bert --data data.csv --metric passes --allow-code -o run",
        ("unknown metric 'passes' of a task of classification",),
        {"data.csv": CSV},
    ),
    Case(
        "queries without a graph",
        SEARCH + " --metric relaxed_em",
        ("has no column 'graph', by which the metric relaxed_em judges answers",),
        {"data.jsonl": TALKS},
    ),
    Case(
        "a graph that is not there",
        SEARCH + " --metric relaxed_em",
        ("line 1, 'graph': found 'graph.ttl'; expected the path of a file",),
        {"data.jsonl": jsonl(lambda n: QUERY)},
    ),
    Case(
        "keys of words",
        SEARCH + " --metric exam_points",
        ("is no key of an exam; expected 1 to 10 letters, alone or after 'Answer:'",),
        {"data.jsonl": jsonl(lambda n: {"prompt": f"what of number{n}", "completion": " the good story of a film"})},
    ),
    Case(
        "a grade in words",
        SEARCH + " --metric exam_points",
        ("line 1, 'grade': found 'two'; expected a number above 0",),
        {"data.jsonl": jsonl(lambda n: {"prompt": f"what of number{n}", "completion": "A", "grade": "two"})},
    ),
    Case(
        "a loss of ranking",
        SEARCH + " --loss pairwise",
        ("--loss: found 'pairwise'; expected completions or everything for a decoder",),
        {"data.jsonl": TALKS},
    ),
    Case(
        "a loss of decoders",
        "search --model {place}/tiny-bert --data data.csv --loss everything -o run",
        ("--loss is not for a task of classification",),
        {"data.csv": CSV},
    ),
]

WITH_RDFLIB = [
    Case(
        "a damaged graph",
        SEARCH + " --metric relaxed_em",
        ("cannot read the graph", "graph.ttl", "expected a file that rdflib reads, such as Turtle"),
        {"data.jsonl": jsonl(lambda n: QUERY | {"question": f"what {n}"}), "graph.ttl": "x:a x:b"},
    ),
    Case(
        "a query that is none",
        SEARCH + " --metric relaxed_em",
        ("a query of the data cannot be run on", "it reads 'SELECT ?s WHERE'", "Mend it, or use another metric"),
        {
            "data.jsonl": jsonl(lambda n: QUERY | {"question": f"what {n}", "answer": "SELECT ?s WHERE"}),
            "graph.ttl": "<x:a> <x:b> <x:c> .",
        },
    ),
]


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.name)
def test_what_answers_cannot_be_judged_by_is_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)


@pytest.mark.skipif(find_spec("rdflib") is None, reason="rdflib, of the extra `sparql`, is not installed")
@pytest.mark.parametrize("case", WITH_RDFLIB, ids=lambda case: case.name)
def test_graphs_and_queries_that_fail_are_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)


@pytest.mark.skipif(find_spec("rdflib") is not None, reason="rdflib is installed")
def test_without_rdflib_the_extra_is_named(tmp_path, place):
    files = {"data.jsonl": jsonl(lambda n: QUERY | {"question": f"what {n}"}), "graph.ttl": "<x:a> <x:b> <x:c> ."}
    said = ("rdflib, which is not installed: run `pip install 'autopeft[sparql]'`",)
    check_refused(Case("no rdflib", SEARCH + " --metric relaxed_em", said, files), tmp_path, place)
