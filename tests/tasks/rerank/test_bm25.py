"""BM25's first documents are those of its formula, whatever the order of the rows, and are kept."""

import math
import re
import sys

import numpy as np
import pytest

from autopeft.cache import cache_folder
from autopeft.errors import DataError
from autopeft.tasks.ranking import bm25
from autopeft.tasks.ranking.bm25 import first_documents

WORDS = [f"w{number}" for number in range(40)]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))


def collection(documents=60, seed=0):
    rng = np.random.default_rng(seed)
    texts = {f"d{n:03}": " ".join(rng.choice(WORDS, rng.integers(3, 20))) for n in range(documents)}
    return texts, [" ".join(rng.choice(WORDS, 3)) for _ in range(12)]


def by_formula(documents, query, k1=1.5, b=0.75):
    """Return the score of each document (Lucene's BM25)."""
    words = {name: re.findall(r"\w\w+", text.lower()) for name, text in documents.items()}
    mean = sum(map(len, words.values())) / len(words)
    scores = dict.fromkeys(documents, 0.0)
    for term in re.findall(r"\w\w+", query.lower()):
        having = sum(term in those for those in words.values())
        idf = math.log(1 + (len(words) - having + 0.5) / (having + 0.5))
        for name, those in words.items():
            count = those.count(term)
            scores[name] += idf * count / (count + k1 * (1 - b + b * len(those) / mean))
    return scores


def test_they_are_those_of_the_formula():
    documents, queries = collection()
    for query, found in zip(queries, first_documents(documents, queries, 10), strict=True):
        scores = by_formula(documents, query)
        best = sorted((name for name in documents if scores[name] > 0), key=lambda name: (-scores[name], name))
        assert [scores[name] for name in found] == pytest.approx([scores[name] for name in best[:10]], rel=1e-5)
        assert len(set(found)) == len(found)


def test_neither_the_order_of_documents_nor_of_queries_matters(tmp_path, monkeypatch):
    documents, queries = collection()
    # Equal texts have equal scores.
    documents |= {f"e{name}": text for name, text in documents.items()}
    found = first_documents(documents, queries, 7)
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "other"))
    turned = dict(reversed(documents.items()))
    assert first_documents(turned, queries[::-1], 7)[::-1] == found


def test_fewer_are_the_first_of_more():
    documents, queries = collection()
    few, many = (first_documents(documents, queries, count) for count in (3, 9))
    assert [found[:3] for found in many] == few


def test_documents_without_a_word_of_the_query_are_not_found():
    documents = {"a": "left arm", "b": "heart", "c": ""}
    assert first_documents(documents, ["arm", "nothing like it", ""], 5) == [["a"], [], []]


def test_what_is_found_is_kept(monkeypatch):
    documents, queries = collection()
    found = first_documents(documents, queries, 5)
    assert len([*(cache_folder() / "bm25").glob("*.npy")]) == 1
    monkeypatch.setattr(bm25, "_ranked", lambda *given: pytest.fail("ranked again"))
    assert first_documents(documents, queries, 5) == found


def test_a_broken_file_is_written_anew():
    documents, queries = collection()
    found = first_documents(documents, queries, 5)
    [kept] = (cache_folder() / "bm25").glob("*.npy")
    kept.write_bytes(kept.read_bytes()[:-7])
    assert first_documents(documents, queries, 5) == found


def test_a_cache_that_cannot_be_written_costs_only_time(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "file"))
    assert first_documents({"a": "left arm"}, ["arm"], 5) == [["a"]]


def test_documents_without_words_are_refused():
    with pytest.raises(DataError, match="none of the documents has a word"):
        first_documents({"a": "-", "b": ""}, ["arm"], 5)


def test_where_bm25s_is_not_installed_that_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(DataError, match=r"pip install 'autopeft\[ranking\]'"):
        first_documents({"a": "left arm"}, ["arm"], 5)
