"""Metrics that look at more than texts: tests of a program, results of a query, points of an exam, several texts."""

import importlib.util
import json
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.causal import ANSWER_METRICS
from autopeft.tasks.causal.judging.sparql import endpoint
from autopeft.tasks.causal.judging.sparql.endpoint import found_by
from tests.marks import sandboxed

needs_rdflib = pytest.mark.skipif(
    importlib.util.find_spec("rdflib") is None, reason="rdflib, of the extra `sparql`, is not installed"
)

DOUBLE = {"test_imports": ["import math"], "test_setup_code": "TWO = 2", "test_list": ["assert double(3) == 3 * TWO"]}


@sandboxed
@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("def double(x):\n    return 2 * x", 1),
        ("def double(x):\n    return math.floor(TWO * x)", 1),
        ("Sure:\n```python\ndef double(x):\n    return 2 * x\n```\nIt doubles.", 1),
        ("```\ndef double(x):\n    return 2 * x", 1),
        ("def double(x):\n    return 2 * x\n[DONE]\nand so on", 1),
        ("def double(x):\n    return x", 0),
        ("def triple(x):\n    return 2 * x", 0),
        ("double it", 0),
        ("", 0),
        ("import os\nos._exit(0)", 0),
        ("import sys\nsys.exit(0)", 0),
        ("assert = None", 0),
    ],
)
def test_a_program_passes_when_all_its_tests_do(text, passed):
    assert ANSWER_METRICS["passes"].score(text, "", DOUBLE) == passed


@pytest.mark.parametrize(
    ("wanted", "text", "share"),
    [
        # One right choice.
        ("Відповідь: Ж", "Відповідь: Ж", 1),
        ("Відповідь: Ж", "відповідь: ж.", 1),
        ("Ж", "Спершу Ю, тому Відповідь: Ж", 1),
        ("Відповідь: Ж", "Відповідь: Ю", 0),
        ("Answer: B", "First I say Answer: A, then Answer: B", 1),
        ("Відповідь: Ж", "", 0),
        # To be matched: every right place earns its part.
        ("Відповідь: ЮБЖД", "Відповідь: ЮБЖД", 1),
        ("Відповідь: ЮБЖД", "Відповідь: ЮБДЖ", 0.5),
        ("Відповідь: ЮБЖД", "Відповідь: 1-Ю, 2-Г, 3-Г, 4-Г", 0.25),
        ("Відповідь: ЮБЖД", "Відповідь: БЖДЮ", 0),
        ("Відповідь: ЮБЖД", "Відповідь: ЮБ", 0.5),
        # Longer than the key.
        ("Відповідь: Ж", "Відповідь: ЖЮ", 0),
        ("Відповідь: ЮБЖД", "Відповідь: ЮБЖДЮ", 0),
        ("Відповідь: ЮБЖД", "Відповідь: ЮБЖД, дуже", 0),
        # Without a keyword all letters count, which are more than ten.
        ("Відповідь: Ж", "Я думаю, що це Ж", 0),
    ],
)
def test_points_of_an_exam(wanted, text, share):
    assert ANSWER_METRICS["exam_points"].score(text, wanted, {"grade": 1.0}) == share


@given(key=st.text("ABCD", min_size=1, max_size=10), said=st.text("ABCD", max_size=14))
def test_points_are_a_share_and_whole_for_the_key_alone(key, said):
    share = ANSWER_METRICS["exam_points"].score(f"Answer: {said}", f"Answer: {key}", {})
    assert 0 <= share <= 1
    assert (share == 1) == (said == key)
    assert share == 0 or len(said) <= len(key)


def test_keys_that_are_none_are_refused():
    check = ANSWER_METRICS["exam_points"].check
    check([("Answer: ABCD", {})])
    for wanted in ("Answer: 42", "because it is so, the first"):
        with pytest.raises(DataError, match="is no key of an exam; expected 1 to 10 letters"):
            check([("A", {}), (wanted, {})])


def test_the_best_of_several_texts_counts():
    metric = ANSWER_METRICS["exact_match@5"]
    assert metric.best(["a - b", "a+b", " a + b\n"], ("a + b", {})) == 1
    # Of code every sign counts, which exact_match passes over.
    assert metric.best(["a - b", "A + b"], ("a + b", {})) == 0
    assert ANSWER_METRICS["exact_match"].score("a - b", "a + b", {}) == 1
    assert {name: each.candidates for name, each in ANSWER_METRICS.items() if each.candidates > 1} == {
        "exact_match@5": 5,
        "exact_match@10": 10,
    }


GRAPH = """
@prefix x: <http://x/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
x:ann x:age 31 ; x:name "Ann"@en ; x:likes x:bob .
x:bob x:age 42 ; x:name "Bob" ; x:likes x:ann, x:cy .
x:cy x:age "31"^^xsd:long ; x:name "Cy" .
"""
BOTH = "SELECT ?who ?age WHERE { ?who x:age ?age }"


@pytest.fixture
def graph(tmp_path):
    (tmp_path / "graph.ttl").write_text(GRAPH)
    return {"graph": str(tmp_path / "graph.ttl")}


@needs_rdflib
@pytest.mark.parametrize(
    ("query", "same"),
    [
        (BOTH, 1),
        ("PREFIX y: <http://x/> SELECT ?a ?b WHERE { ?a y:age ?b }", 1),
        (f"{BOTH} ORDER BY DESC(?age)", 1),
        # Repeated rows, and types of values.
        ("SELECT ?who ?age WHERE { { ?who x:age ?age } UNION { ?who x:age ?age } }", 1),
        ("SELECT ?who (STR(?age) AS ?said) WHERE { ?who x:age ?age }", 1),
        (f"```sparql\n{BOTH}\n```", 1),
        ("SELECT ?age ?who WHERE { ?who x:age ?age }", 0),
        ("SELECT ?who WHERE { ?who x:age ?age }", 0),
        ("SELECT ?who ?age WHERE { ?who x:age ?age } LIMIT 2", 0),
        ("SELECT ?who ?age WHERE { ?who z:age ?age }", 0),
        ("SELECT ?who ?age WHERE", 0),
        ("ASK { ?who x:age ?age }", 0),
        ("CONSTRUCT { ?who x:age ?age } WHERE { ?who x:age ?age }", 0),
        ("INSERT DATA { x:dee x:age 1 }", 0),
        ("", 0),
    ],
)
def test_queries_are_compared_by_what_they_find(query, same, graph):
    assert ANSWER_METRICS["relaxed_em"].score(query, BOTH, graph) == same


@needs_rdflib
def test_a_graph_whose_process_was_killed_meanwhile_is_read_again(graph):
    assert ANSWER_METRICS["relaxed_em"].score(BOTH, BOTH, graph) == 1
    process = endpoint._endpoint(graph["graph"])._process
    process.kill()
    process.wait()
    assert len(found_by(f"{BOTH} # again", graph["graph"])) == 3


@needs_rdflib
@pytest.mark.parametrize("names", [("a", "b", "c"), ("c", "b", "a"), ("who", "does", "what"), ("x1", "x2", "x3")])
def test_all_columns_have_the_order_in_which_they_are_named(names, graph):
    one, two, three = names
    wanted = "SELECT ?s ?p ?o WHERE { ?s ?p ?o }"
    assert ANSWER_METRICS["relaxed_em"].score(f"SELECT * WHERE {{ ?{one} ?{two} ?{three} }}", wanted, graph) == 1
    turned = f"SELECT ?{three} ?{two} ?{one} WHERE {{ ?{one} ?{two} ?{three} }}"
    assert ANSWER_METRICS["relaxed_em"].score(turned, wanted, graph) == 0


@needs_rdflib
def test_no_query_reaches_beyond_the_graph(graph, tmp_path):
    (tmp_path / "other.ttl").write_text("<http://x/dee> <http://x/age> 7 .")
    reached = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen():
            while True:
                try:
                    reached.append(server.accept()[1])
                except OSError:
                    return

        threading.Thread(target=listen, daemon=True).start()
        there = f"http://127.0.0.1:{server.getsockname()[1]}/other.ttl"
        for elsewhere in (there, (tmp_path / "other.ttl").as_uri()):
            for query in (
                f"SELECT * WHERE {{ SERVICE <{elsewhere}> {{ ?s ?p ?o }} }}",
                f"SELECT * WHERE {{ ?s ?p ?o FILTER EXISTS {{ SERVICE SILENT <{elsewhere}> {{ ?s ?p ?o }} }} }}",
                f"SELECT * WHERE {{ {{ SELECT * WHERE {{ SERVICE SILENT <{elsewhere}> {{ ?s ?p ?o }} }} }} }}",
                f"SELECT * FROM <{elsewhere}> WHERE {{ ?s ?p ?o }}",
                f"SELECT * FROM NAMED <{elsewhere}> WHERE {{ GRAPH ?g {{ ?s ?p ?o }} }}",
                f"SELECT * WHERE {{ GRAPH <{elsewhere}> {{ ?s ?p ?o }} }}",
                f"LOAD <{elsewhere}>",
            ):
                with pytest.raises(endpoint.QueryError):
                    found_by(query, graph["graph"])
        # Nor was anything brought in on the way.
        assert len(found_by("SELECT ?s ?p ?o WHERE { ?s ?p ?o }", graph["graph"])) == 9
        server.close()
    assert reached == []


@needs_rdflib
def test_a_query_without_end_fails_and_the_next_is_answered(graph, tmp_path, monkeypatch):
    hasty = tmp_path / "serve.py"
    hasty.write_text(endpoint._SERVE.read_text().replace("SECONDS, MEMORY = 10.0,", "SECONDS, MEMORY = 1.0,"))
    assert "= 1.0," in hasty.read_text()
    monkeypatch.setattr(endpoint, "_SERVE", hasty)
    endless = 'SELECT * WHERE { ?s ?p ?o FILTER REGEX("' + "a" * 60 + '!", "^(a+)+$") }'
    assert ANSWER_METRICS["relaxed_em"].score(endless, BOTH, graph) == 0
    assert ANSWER_METRICS["relaxed_em"].score(BOTH, BOTH, graph) == 1


@needs_rdflib
def test_queries_of_the_data_that_fail_and_graphs_that_are_none_are_refused(graph, tmp_path):
    check = ANSWER_METRICS["relaxed_em"].check
    check([(BOTH, graph)])
    with pytest.raises(DataError, match=r"a query of the data cannot be run on .*graph\.ttl: .*it reads 'SELECT who"):
        check([("SELECT who", graph)])
    (tmp_path / "damaged.ttl").write_text("x:ann x:age")
    with pytest.raises(DataError, match=r"cannot read the graph .*damaged\.ttl: .*expected a file that rdflib reads"):
        check([(BOTH, {"graph": str(tmp_path / "damaged.ttl")})])


def test_without_rdflib_the_extra_is_named(graph, monkeypatch):
    monkeypatch.setattr(endpoint, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"rdflib, which is not installed: run `pip install 'autopeft\[sparql\]'`"):
        ANSWER_METRICS["relaxed_em"].check([(BOTH, graph)])


def problem(number, **other):
    return {
        "text": f"Write a function to add {number}.",
        "code": f"def add(x):\n    return x + {number}",
        "test_list": [f"assert add(1) == {number + 1}", "assert add(0) is not None"],
    } | other


def loaded(folder, rows, metric=None, **how):
    (folder / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return load_task(TaskSpec.of(data=str(folder / "data.jsonl"), metric=metric, **how))


def test_problems_as_mbpp_has_them_are_known_and_prompts_show_their_tests(tmp_path):
    for column in ("text", "prompt"):
        rows = [problem(n) for n in range(40)]
        rows = [{column: row.pop("text"), **row} for row in rows]
        task = loaded(tmp_path, rows)
        assert task.schema.describe() == f"prompts of '{column}', 'test_list', completions of 'code', which are learned"
        asked, answer = task.train.examples[0]
        number = answer.content.rpartition(" ")[2]
        assert asked.content == (
            f"Write a function to add {number}. Your code should pass these tests:\n\n"
            f"assert add(1) == {int(number) + 1}\nassert add(0) is not None"
        )
        assert task.train.beside == ()
    # Without tests it is text with a column beside.
    rows = [{"text": row["prompt"], "code": row["code"]} for row in rows]
    with pytest.raises(DataError, match="label"):
        loaded(tmp_path, rows)


def test_what_a_metric_reads_stays_with_its_example(tmp_path):
    rows = [problem(n, test_setup_code="import re", test_imports=["import math"][n % 2 :]) for n in range(40)]
    task = loaded(tmp_path, rows, "passes")
    for split in task.splits.values():
        for example, beside in zip(split.examples, split.beside, strict=True):
            number = int(example[-1].content.rpartition(" ")[2])
            assert beside["test_list"][0] == f"assert add(1) == {number + 1}"
            assert beside["test_imports"] == ["import math"][number % 2 :]
    assert not any("test_list" in line or "test_imports" in line for line in task.describe() if "not used" in line)
    # Other tests are another task; what no metric reads is not.
    other = [rows[0] | {"test_list": ["assert add(2)"]}, *rows[1:]]
    assert loaded(tmp_path, other, "passes").fingerprint != task.fingerprint
    assert loaded(tmp_path, [row | {"id": 7} for row in rows], "passes").fingerprint == task.fingerprint


def test_a_row_without_tests_is_left_out_and_said(tmp_path):
    rows = [problem(n) if n else problem(n, test_list=None) for n in range(40)]
    task = loaded(tmp_path, rows, "passes")
    assert sum(map(len, task.splits.values())) == 39
    assert any("'test_list' is empty" in line for line in task.describe())


def test_graphs_are_named_from_the_file_on_and_known_by_what_they_hold(tmp_path):
    rows = [{"question": f"Who is {n}?", "answer": BOTH, "graph": "graphs/one.ttl"} for n in range(40)]
    prints = set()
    for place in ("here", "there"):
        (tmp_path / place / "graphs").mkdir(parents=True)
        (tmp_path / place / "graphs" / "one.ttl").write_text(GRAPH)
        task = loaded(tmp_path / place, rows, "relaxed_em")
        assert task.train.beside[0] == {"graph": str((tmp_path / place / "graphs" / "one.ttl").resolve())}
        prints.add(task.fingerprint)
    assert len(prints) == 1
    Path(tmp_path, "elsewhere", "graphs").mkdir(parents=True)
    Path(tmp_path, "elsewhere", "graphs", "one.ttl").write_text(GRAPH + "x:dee x:age 1 .")
    assert loaded(tmp_path / "elsewhere", rows, "relaxed_em").fingerprint not in prints


@pytest.mark.parametrize(
    ("metric", "beside", "said"),
    [
        ("passes", {}, "has no column 'test_list', by which the metric passes judges answers"),
        ("passes", {"test_list": "assert True"}, "'test_list': found 'assert True'; expected a list of texts"),
        ("passes", {"test_list": [1]}, r"'test_list': found \[1\]; expected a list of texts"),
        ("relaxed_em", {}, "has no column 'graph', by which the metric relaxed_em judges answers"),
        ("relaxed_em", {"graph": "no.ttl"}, "'graph': found 'no.ttl'; expected the path of a file"),
        ("exam_points", {"grade": "two"}, "'grade': found 'two'; expected a number above 0"),
        ("exam_points", {"grade": 0}, "'grade': found 0; expected a number above 0"),
    ],
)
def test_what_a_metric_cannot_read_is_refused(metric, beside, said, tmp_path):
    with pytest.raises(DataError, match=said):
        loaded(tmp_path, [{"question": f"q {n}", "answer": "A"} | beside for n in range(40)], metric)
