"""What is re-ranked on held-out splits: BM25's first documents of each query, and no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.ranking.build import DEEP, HeldOut, query_of
from autopeft.tasks.ranking.collection import Collection, Judgements
from autopeft.tasks.ranking.metrics import in_this_order, ranking_scores
from autopeft.tasks.ranking.queries import Query

__all__ = ["CANDIDATES", "candidates_of"]

#: Candidates of a query on validation, unless the user says; on test there are twice as many.
CANDIDATES = 10


def candidates_of(collection: Collection, count: int | None, metric: str) -> tuple[int, HeldOut]:
    """Return how many of BM25's documents are looked at, and what makes queries of held-out splits of them.

    Args:
        collection: The documents, queries and judgements.
        count: How many documents are ranked on validation; twice as many on test.
        metric: By which BM25's own ranking is measured.

    Raises:
        DataError: When there is nothing to be ranked.
    """
    usual = CANDIDATES if count is None else count
    if usual < 2:
        raise DataError(f"--candidates is {usual}; expected 2 or more documents to put in an order")

    def first(split: str, judged: Judgements, ranked: Mapping[str, Sequence[str]]) -> tuple[list[Query], str]:
        most = usual if split == "validation" else 2 * usual
        found, deep = (
            [query_of(collection.queries[query], ranked[query][:cut], grades) for query, grades in judged.items()]
            for cut in (most, None)
        )
        return found, _baseline(split, most, found, deep, metric)

    return max(DEEP, 2 * usual), first


def _baseline(split: str, most: int, queries: Sequence[Query], deep: Sequence[Query], metric: str) -> str:
    """Say what BM25's own order of the candidates reaches, and of the whole corpus, and what the best of them would."""
    best = ranking_scores(metric, queries, [np.asarray(query.grades, np.float64) for query in queries]).mean()
    own, whole = (in_this_order(metric, those).mean() for those in (queries, deep))
    hits = sum(grade > 0 for query in queries for grade in query.grades)
    there = hits + sum(len(query.missed) for query in queries)
    return (
        f"{split}: BM25's first {most} documents of each query are ranked; BM25 itself reaches {metric} {own:.4f} "
        f"({whole:.4f} with its first {DEEP:,}), the best order of them {best:.4f}, as {there - hits:,} of {there:,} "
        "relevant documents are not among them"
    )
