"""Collections become tasks: splits of whole queries, candidates that BM25 finds, an account of every row."""

import json
import random
import re
from pathlib import Path

import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.ranking.bm25 import first_documents
from autopeft.testing.tasks import TaskContract
from tests.tasks.rerank.data import judged_rows, write_beir, write_rows

SCIFACT = Path(__file__).parents[4] / "shared" / "data" / "scifact"


class TestBeir(TaskContract):
    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        return TaskSpec(
            data=write_beir(tmp_path_factory.mktemp("data") / "beir", judged_rows(), test=30, packed=True),
            kind="rerank",
        )


class TestRows(TaskContract):
    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        rows = [
            {"asked": row["query"], "found": row["document"], "good": row["relevance"] > 0} for row in judged_rows()
        ]
        path = write_rows(tmp_path_factory.mktemp("data") / "rows.jsonl", rows)
        return TaskSpec(
            data=path, query="asked", document="found", relevance="good", kind="rerank", metric="map", candidates=4
        )


@pytest.fixture
def beir(tmp_path):
    return Path(write_beir(tmp_path / "beir", judged_rows(), test=30))


def load(folder, **settings):
    return load_task(TaskSpec(data=str(folder), **{"kind": "rerank", **settings}))


def qrels(folder, change, split="train"):
    """Change the lines of a file of judgements."""
    file = folder / "qrels" / f"{split}.tsv"
    file.write_text("\n".join(change(file.read_text().split("\n"))))


def test_candidates_are_bm25s_first_documents_and_no_others(beir):
    rows = judged_rows()
    documents = {f"d{number}": row["document"] for number, row in enumerate(rows)}
    task = load(beir, candidates=4)
    assert (len(task.train), len(task.test)) == (70, 30)
    for split, count in ((task.validation, 4), (task.test, 8)):
        found = first_documents(documents, [query.text for query in split.queries], count)
        for query, first in zip(split.queries, found, strict=True):
            assert [*query.documents] == first
            judged = {f"d{number}": row["relevance"] for number, row in enumerate(rows) if row["query"] == query.text}
            assert [*query.grades] == [judged.get(name, 0) for name in first]
            assert sorted(query.missed) == sorted(g for name, g in judged.items() if g > 0 and name not in first)


def test_training_adds_relevant_documents_that_bm25_does_not_find(tmp_path):
    rows = judged_rows()
    for row in rows:
        if row["relevance"]:
            row["document"] = f"nothing like it {row['document'][-8:]}"
    task = load(write_beir(tmp_path / "beir", rows))
    for query in task.train.queries:
        assert sum(grade > 0 for grade in query.grades) == 2
        assert 0 < sum(grade <= 0 for grade in query.grades) <= 3
    assert all(len(query.missed) == 2 for query in task.test.queries)
    assert "(160 that BM25 does not find" in "".join(task.notes)


def test_bm25s_own_figures_are_said(beir):
    notes = "\n".join(load(beir).notes)
    assert "test: BM25's first 20 documents of each query are ranked; BM25 itself reaches ndcg@10 0." in notes
    assert "relevant documents are not among them" in notes


def test_queries_are_whole_in_one_split_and_equal_ones_on_one_side(tmp_path):
    rows = judged_rows()
    twins = [{**row, "query": f" {row['query']}"} for row in rows]
    task = load(write_beir(tmp_path / "beir", [*rows, *twins]))
    texts = [{query.text for query in split.queries} for split in task.splits.values()]
    assert len(set.union(*texts)) == sum(map(len, texts))
    assert sum(map(len, task.splits.values())) == 240


def test_the_order_of_rows_does_not_matter(beir, tmp_path):
    before = load(beir)
    for name in ("corpus.jsonl", "queries.jsonl"):
        lines = (beir / name).read_text().splitlines(keepends=True)
        random.Random(0).shuffle(lines)
        (beir / name).write_text("".join(lines))
    assert load(beir).fingerprint == before.fingerprint


def test_other_candidates_are_another_task(beir):
    assert load(beir).fingerprint != load(beir, candidates=5).fingerprint


def test_a_dev_file_is_the_validation_split(beir):
    file = beir / "qrels" / "train.tsv"
    header, *lines = file.read_text().splitlines(keepends=True)
    file.write_text(header + "".join(lines[120:]))
    (beir / "qrels" / "dev.tsv").write_text(header + "".join(lines[:120]))
    task = load(beir)
    assert len(task.validation) == 20
    assert not any("split off" in note for note in task.notes)


def test_each_row_is_used_or_reported(beir):
    (beir / "queries.jsonl").open("a").write('{"_id": "q999", "text": "of no judgement"}\n{"text": "no id"}\n')
    (beir / "corpus.jsonl").open("a").write('{"_id": "d999", "title": "", "text": ""}\n')
    # A query of which nothing is relevant, and one that is of test too.
    qrels(
        beir,
        lambda lines: [
            lines[0],
            *(line.replace("\t2", "\t0").replace("\t1", "\t0") for line in lines[1:7]),
            *lines[7:],
            "q0\td0\t2",
        ],
    )
    task = load(beir)
    said = {reason: len(places) for each in task.intake.values() for reason, places in each.drops.items()}
    assert said == {
        "no document is relevant to its query": 6,
        "its query is one of test": 1,
        "no document is judged relevant to it": 2,
        "it has no '_id'": 1,
    }
    assert task.intake["corpus"].remarks == {"its text is empty": ("line 721",)}
    for each in task.intake.values():
        assert each.used + each.dropped == each.rows


BROKEN = {
    "cells": (lambda lines: [*lines[:4], "q40 d1 1", *lines[4:]], "line 5: found 'q40 d1 1'; expected three cells"),
    "score": (lambda lines: [*lines[:4], "q40\td1\thigh", *lines[4:]], "line 5: found the score 'high'"),
    "query": (lambda lines: [*lines[:2], "q77777\td1\t1"], "line 3: found 'q77777', which no row of queries"),
    "document": (lambda lines: [*lines[:2], "q40\td77777\t1"], "line 3: found 'd77777', which no row of corpus"),
    "twice": (lambda lines: [*lines[:-1], lines[1].replace("\t2", "\t1")], "a document is judged 1 for a query, and 2"),
    "none": (lambda lines: lines[:1], "train has 0 usable queries with relevant documents, expected at least 16"),
    "large": (lambda lines: [*lines[:4], "q40\td1\t99999999999"], "line 5: found the score '99999999999'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_judgements_are_one_message(name, beir):
    change, message = BROKEN[name]
    qrels(beir, change)
    with pytest.raises(DataError) as caught:
        load(beir)
    assert message in str(caught.value)


def test_other_broken_folders_are_one_message(beir):
    cases = [
        (lambda: (beir / "qrels" / "valid.tsv").write_text(""), "validation has 0 usable"),
        (lambda: (beir / "qrels" / "dev.tsv").write_text(""), "several qrels of validation: dev.tsv, valid.tsv"),
        (lambda: (beir / "qrels" / "train.tsv").unlink(), "no judgements to train on"),
    ]
    for damage, message in cases:
        damage()
        if "several" not in message and "train on" in message:
            (beir / "qrels" / "dev.tsv").unlink()
        with pytest.raises(DataError) as caught:
            load(beir)
        assert message in str(caught.value)


def test_an_empty_corpus_and_repeated_documents_are_refused(beir):
    first = (beir / "corpus.jsonl").read_text().splitlines(keepends=True)[0]
    (beir / "corpus.jsonl").open("a").write(first)
    with pytest.raises(DataError, match="line 721: the _id 'd0' stands in line 1 already"):
        load(beir)
    (beir / "corpus.jsonl").write_text("")
    with pytest.raises(DataError, match=r"corpus\.jsonl"):
        load(beir)


def test_a_query_without_candidates_is_refused(beir):
    lines = [json.loads(line) for line in (beir / "queries.jsonl").read_text().splitlines()]
    lines[3]["text"] = "nothing that stands anywhere"
    (beir / "queries.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(DataError, match=r"BM25 finds no document for 1 of 120 queries.*'nothing that stands anywhere'"):
        load(beir)


def test_what_a_folder_says_itself_is_not_taken_from_flags(beir):
    for flags in ({"query": "text"}, {"group": "text"}, {"validation": str(beir / "corpus.jsonl")}):
        with pytest.raises(DataError, match=f"leave --{next(iter(flags))} out"):
            load(beir, kind="rerank", **flags)
    with pytest.raises(DataError, match="--candidates is 1; expected 2 or more"):
        load(beir, candidates=1)
    with pytest.raises(DataError, match="--candidates is not for a task of causal"):
        load(beir, candidates=4, kind="causal")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"relevance": 0.5}, "row 3: the relevance is '0.5'; expected a whole number"),
        ({"relevance": "high"}, "the relevance is 'high'"),
        ({"relevance": [1]}, "the relevance is 'a list'"),
    ],
)
def test_a_relevance_that_is_no_number_is_refused(change, message, tmp_path):
    rows = judged_rows()
    rows[2] |= change
    with pytest.raises(DataError) as caught:
        load(write_rows(tmp_path / "rows.jsonl", rows))
    assert message.replace("row 3", "line 3") in str(caught.value)


def test_rows_are_read_whatever_says_yes_and_no(tmp_path):
    rows = judged_rows()
    expected = load(
        write_rows(tmp_path / "rows.jsonl", [{**row, "relevance": int(bool(row["relevance"]))} for row in rows])
    )
    for say in (bool, lambda grade: str(int(bool(grade))), lambda grade: float(bool(grade))):
        found = load(write_rows(tmp_path / "rows.jsonl", [{**row, "relevance": say(row["relevance"])} for row in rows]))
        assert found.fingerprint == expected.fingerprint


def test_rows_that_cannot_be_read_are_left_out_and_said(tmp_path):
    rows = judged_rows()
    rows[0]["query"], rows[1]["document"], rows[2]["relevance"] = " ", ["a"], None
    task = load(write_rows(tmp_path / "rows.jsonl", rows))
    assert {reason: len(places) for reason, places in task.intake["train"].drops.items()} == {
        "'query' is empty": 1,
        "'document' holds a list, not text": 1,
        "'relevance' is empty": 1,
    }


def test_scifact_has_the_figures_that_are_known():
    """BM25's nDCG@10 on SciFact's test queries is 0.665 in Thakur et al. 2021, table 2."""
    if not SCIFACT.is_dir():
        pytest.skip("the data of ../shared is not here")
    task = load(SCIFACT)
    assert {name: len(split) for name, split in task.splits.items()} == {"train": 728, "validation": 81, "test": 300}
    [said] = [note for note in task.notes if note.startswith("test:")]
    own, whole = re.findall(r"0\.\d+", said)[:2]
    assert float(own) == float(whole) == pytest.approx(0.665, abs=0.01)
