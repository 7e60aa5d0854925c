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
        # Documents that are relevant to nobody are dealt once, as evenly as can be.
        others = [len(query.documents) - 2 for query in split.queries]
        assert sum(others) + 2 * len(split) == len(searched(split))
        assert max(others) - min(others) <= 1
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
