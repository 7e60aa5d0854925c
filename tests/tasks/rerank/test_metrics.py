"""Rankings are judged as trec_eval does, and as its formulas say."""

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from autopeft.tasks.ranking.metrics import TREC, in_this_order, ranking_scores
from autopeft.tasks.ranking.queries import Query


def by_hand(metric, query, scores):
    """Return a metric by its formula; of equal scores the later name comes first."""
    order = sorted(range(len(scores)), key=lambda place: (scores[place], query.documents[place]), reverse=True)
    grades = [query.grades[place] for place in order]
    everything = sorted([*(grade for grade in query.grades if grade > 0), *query.missed], reverse=True)
    if metric == "ndcg@10":
        gain, ideal = (
            sum(max(0, grade) / np.log2(place + 2) for place, grade in enumerate(those[:10]))
            for those in (grades, everything)
        )
        return gain / ideal
    if metric == "recall@100":
        return sum(grade > 0 for grade in grades[:100]) / len(everything)
    hits = [place for place, grade in enumerate(grades, 1) if grade > 0]
    if metric == "mrr@10":
        return 1 / hits[0] if hits and hits[0] <= 10 else 0.0
    return sum(count / place for count, place in enumerate(hits, 1)) / len(everything)


@st.composite
def queries(draw):
    count = draw(st.integers(1, 30))
    grades = draw(st.lists(st.integers(-1, 3), min_size=count, max_size=count))
    missed = draw(st.lists(st.integers(1, 3), max_size=4))
    if max([*grades, *missed]) <= 0:
        missed = [1]
    # Few different scores, so that many are equal.
    scores = draw(st.lists(st.integers(0, 9), min_size=count, max_size=count))
    return Query("q", tuple(f"d{number}" for number in range(count)), tuple(grades), tuple(missed)), scores


@given(st.lists(queries(), min_size=1, max_size=4))
def test_they_are_those_of_the_formulas_and_of_trec_eval(drawn):
    asked, scores = zip(*drawn, strict=True)
    for metric, (measure, cut) in TREC.items():
        found = ranking_scores(metric, asked, [np.array(each, np.float32) for each in scores])
        expected = [by_hand(metric, query, given) for query, given in drawn]
        assert found == pytest.approx(expected, abs=1e-9)
        if cut is None:
            judged = {
                str(n): dict(zip(q.documents, q.grades, strict=True)) | {f"x{i}": g for i, g in enumerate(q.missed)}
                for n, q in enumerate(asked)
            }
            run = {str(n): dict(zip(q.documents, map(float, given), strict=True)) for n, (q, given) in enumerate(drawn)}
            trec = pytrec_eval.RelevanceEvaluator(judged, {measure}).evaluate(run)
            assert found == pytest.approx([trec[str(n)][measure] for n in range(len(asked))], abs=1e-9)


@given(queries(), st.randoms())
def test_the_order_of_candidates_does_not_matter(drawn, random):
    query, scores = drawn
    order = [*range(len(scores))]
    random.shuffle(order)
    other = Query(
        "q", tuple(query.documents[at] for at in order), tuple(query.grades[at] for at in order), query.missed
    )
    for metric in TREC:
        first = ranking_scores(metric, [query], [np.array(scores, np.float32)])
        second = ranking_scores(metric, [other], [np.array(scores, np.float32)[order]])
        assert first.tolist() == second.tolist()


@given(st.lists(st.integers(0, 3), min_size=2, max_size=10), st.data())
def test_no_order_is_better_than_the_perfect_one_and_a_swap_of_it_is_worse(grades, data):
    perfect = sorted(grades, reverse=True)
    one, other = (data.draw(st.integers(0, len(grades) - 1)) for _ in range(2))
    swapped = [*perfect]
    swapped[one], swapped[other] = swapped[other], swapped[one]
    names = tuple(f"d{number}" for number in range(len(grades)))
    best, worse = in_this_order("ndcg@10", [Query("q", names, tuple(each), (1,)) for each in (perfect, swapped)])
    assert worse == best if swapped == perfect or not any(grades) else worse < best


def test_recall_looks_at_the_first_hundred():
    query = Query("q", tuple(f"d{number:03}" for number in range(200)), (1,) * 200, (1,) * 50)
    assert ranking_scores("recall@100", [query], [np.arange(200.0)]).tolist() == [100 / 250]


def test_missed_documents_lower_the_figures():
    found = Query("q", ("a", "b"), (1, 0))
    missed = Query("q", ("a", "b"), (1, 0), (1,))
    scores = [np.array([2.0, 1.0]), np.array([2.0, 1.0])]
    assert ranking_scores("map", [found, missed], scores).tolist() == [1.0, 0.5]
    assert ranking_scores("ndcg@10", [found, missed], scores).tolist() == pytest.approx([1.0, 1 / (1 + 1 / np.log2(3))])
    assert ranking_scores("mrr@10", [found, missed], scores).tolist() == [1.0, 1.0]


def test_the_reciprocal_rank_looks_at_ten_documents():
    query = Query("q", tuple("abcdefghijkl"), (0,) * 10 + (1, 0))
    assert ranking_scores("mrr@10", [query], [-np.arange(12.0)]).tolist() == [0.0]
    assert ranking_scores("mrr@10", [query], [np.eye(12)[10]]).tolist() == [1.0]


def test_where_trec_eval_is_not_installed_that_is_said(monkeypatch):
    from autopeft.errors import DataError

    monkeypatch.setitem(__import__("sys").modules, "pytrec_eval", None)
    with pytest.raises(DataError, match=r"pip install 'autopeft\[ranking\]'"):
        ranking_scores("map", [], [])
