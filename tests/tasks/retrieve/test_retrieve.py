"""Collections as tasks of retrieval: what is searched where, and which kind of task data is of."""

from pathlib import Path

import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.ranking.queries import Query
from autopeft.testing.tasks import TaskContract
from tests.tasks.rerank.data import judged_rows, write_beir, write_rows

SCIFACT = Path(__file__).parents[4] / "shared" / "data" / "scifact"


class TestBeir(TaskContract):
    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        data = write_beir(tmp_path_factory.mktemp("data") / "beir", judged_rows(), test=30)
        return TaskSpec(data=data, kind="retrieve")


def searched(split):
    """Return the documents that queries have together."""
    return {name for query in split.queries for name in query.documents}


def test_validation_searches_a_part_and_test_the_whole_corpus(tmp_path):
    rows = judged_rows(documents=12)
    task = load_task(TaskSpec(data=write_beir(tmp_path / "beir", rows, test=30), kind="retrieve"))
    assert len(searched(task.test)) == len(rows) == 1440
    assert len(searched(task.validation)) == 1000
    for split in (task.validation, task.test):
        for query in split.queries:
            assert not query.missed
            assert sum(grade > 0 for grade in query.grades) == 2
        # Documents that are relevant to nobody are dealt once, and all bring some along.
        others = [len(query.documents) - 2 for query in split.queries]
        assert sum(others) + 2 * len(split) == len(searched(split))
        assert max(others) <= 3 * min(others)
    assert "1,000 of the 1,440 documents are searched" in " ".join(task.notes)
    assert "all 1,440 documents are searched" in " ".join(task.notes)


def test_what_bm25_ranks_first_is_searched_on_validation(tmp_path):
    rows = judged_rows(documents=12)
    # Words that no query has: nothing that BM25 would find.
    far = [{"query": "q0 happy film", "document": f"elsewhere {n}", "relevance": 0} for n in range(1000)]
    task = load_task(TaskSpec(data=write_rows(tmp_path / "rows.jsonl", [*rows, *far]), kind="retrieve"))
    relevant = {name for query in task.validation.queries for name in query.relevant}
    texts = [task.validation.corpus[name] for name in searched(task.validation) - relevant]
    assert sum(not text.startswith("elsewhere") for text in texts) >= (1000 - 2 * len(task.validation)) // 2


def test_relevant_documents_are_known_by_name_wherever_they_are():
    query = Query("q", ("a", "b"), (0, 1), (1,), ("c",))
    assert query.relevant == {"b", "c"}


def test_data_of_two_kinds_asks_which(tmp_path):
    beir = write_beir(tmp_path / "beir", judged_rows())
    rows = write_rows(tmp_path / "rows.jsonl", judged_rows())
    for data in (beir, rows):
        with pytest.raises(DataError, match=r"--kind rerank\).*--kind retrieve\). Say which by --kind"):
            load_task(TaskSpec(data=data))
        assert load_task(TaskSpec(data=data, pooling="first")).kind.name == "retrieve"
        assert load_task(TaskSpec(data=data, candidates=4)).kind.name == "rerank"
    with pytest.raises(DataError, match="--candidates is not for a task of retrieve"):
        load_task(TaskSpec(data=rows, kind="retrieve", candidates=4))
    with pytest.raises(DataError, match="--pooling is 'max'; expected one of: mean, first, last"):
        load_task(TaskSpec(data=rows, pooling="max"))


@pytest.mark.skipif(not SCIFACT.is_dir(), reason="needs ../shared/data/scifact")
def test_bm25_reaches_on_scifact_what_is_known_of_it():
    task = load_task(TaskSpec(data=str(SCIFACT), kind="retrieve"))
    assert [len(searched(split)) for split in (task.validation, task.test)] == [1000, 5183]
    # Thakur et al. 2021, table 2, have 0.665 with title and text in fields of their own.
    assert "BM25 reaches ndcg@10 0.66" in task.notes[-1] or any(
        "BM25 reaches ndcg@10 0.66" in note for note in task.notes
    )


def test_where_much_is_relevant_other_documents_are_searched_too(tmp_path):
    rows = judged_rows(queries=100)
    more = [
        {"query": row["query"], "document": f"{row['document']} again {n}", "relevance": 1}
        for row in rows[::6]
        for n in range(60)
    ]
    far = [{"query": rows[0]["query"], "document": f"elsewhere {n}", "relevance": 0} for n in range(900)]
    task = load_task(TaskSpec(data=write_rows(tmp_path / "rows.jsonl", [*rows, *more, *far]), kind="retrieve"))
    relevant = {name for query in task.validation.queries for name in query.relevant}
    assert len(searched(task.validation) - relevant) >= 500


def test_a_query_brings_what_bm25_ranks_first_for_it(tmp_path):
    rows = judged_rows(documents=12)
    task = load_task(TaskSpec(data=write_rows(tmp_path / "rows.jsonl", rows), kind="retrieve"))
    shares = []
    for query in task.validation.queries:
        own = [
            task.validation.corpus[name] for name, grade in zip(query.documents, query.grades, strict=True) if not grade
        ]
        words = set(query.text.split()[:2])
        shares.append(sum(bool(words & set(text.split())) for text in own[:3]) / 3)
    assert sum(shares) / len(shares) > 0.9


def test_words_in_common_are_not_needed(tmp_path):
    rows = [
        {"query": f"\u554f{n}", "document": f"{'good' if good else 'bad'} text {n}", "relevance": int(good)}
        for n in range(80)
        for good in (True, False)
    ]
    data = write_rows(tmp_path / "rows.jsonl", rows)
    task = load_task(TaskSpec(data=data, kind="retrieve"))
    assert any("BM25 finds no document for 80 of 80 queries" in note for note in task.notes)
    for query in task.train.queries:
        assert (sum(grade > 0 for grade in query.grades), len(query.documents)) == (1, 5)
    with pytest.raises(DataError, match="BM25 finds no document for 80 of 80 queries, as none shares a word"):
        load_task(TaskSpec(data=data, kind="rerank"))


def test_copies_of_what_is_relevant_are_no_negatives(tmp_path):
    folder = Path(write_beir(tmp_path / "beir", judged_rows(), test=30))
    corpus = folder / "corpus.jsonl"
    corpus.write_text(corpus.read_text() + corpus.read_text().replace('"_id": "d', '"_id": "e'))
    for kind in ("retrieve", "rerank"):
        task = load_task(TaskSpec(data=str(folder), kind=kind))
        for query in task.train.queries:
            texts = {grade > 0: set() for grade in (0, 1)}
            for name, grade in zip(query.documents, query.grades, strict=True):
                texts[grade > 0].add(task.train.corpus[name])
            assert not texts[True] & texts[False]


def test_how_texts_are_scored_is_part_of_the_data(tmp_path):
    data = write_rows(tmp_path / "rows.jsonl", judged_rows())
    found = {load_task(TaskSpec(data=data, pooling=each)).fingerprint for each in ("mean", "first", "last")}
    found |= {load_task(TaskSpec(data=data, kind="rerank", grades=each)).fingerprint for each in (None, 3, 9)}
    assert len(found) == 6


def test_a_query_without_text_is_left_out_with_its_judgements(tmp_path):
    folder = Path(write_beir(tmp_path / "beir", judged_rows(), test=30))
    lines = (folder / "queries.jsonl").read_text().split("\n")
    lines[60] = '{"_id": "q60", "text": ""}'
    (folder / "queries.jsonl").write_text("\n".join(lines))
    task = load_task(TaskSpec(data=str(folder), kind="retrieve"))
    said = " ".join(line for intake in task.intake.values() for line in intake.describe())
    assert "the text of its query is empty" in said
    assert "its text is empty" in said
