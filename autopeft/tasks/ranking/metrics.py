"""How well documents are ranked, by trec_eval (through pytrec_eval), query by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import DataError
from autopeft.tasks.ranking.queries import Query

__all__ = ["TREC", "in_this_order", "ranking_scores"]

#: What trec_eval calls a metric, and how many of the first documents it looks at where it has no say itself.
TREC: Mapping[str, tuple[str, int | None]] = {
    "ndcg@10": ("ndcg_cut_10", None),
    "mrr@10": ("recip_rank", 10),
    "map": ("map", None),
    "recall@100": ("recall_100", None),
}


def ranking_scores(
    metric: str, queries: Sequence[Query], scores: Sequence[NDArray[np.floating[Any]]]
) -> NDArray[np.float64]:
    """Return how well the candidates of each query are ranked, `[queries]`; the metric is their mean.

    The ideal is one over all judgements: relevant documents that are no candidates count as not found. Of equal scores
    that document comes first whose name is the later one, as in trec_eval.

    Args:
        metric: A name of `TREC`.
        queries: The queries, each with a relevant document.
        scores: Of each query the scores of its candidates; more is more relevant.

    Raises:
        DataError: When pytrec_eval is not installed.
    """
    try:
        import pytrec_eval
    except ModuleNotFoundError as error:
        raise DataError(
            f"rankings are judged by pytrec-eval-terrier ({error.name} is not installed): run `pip install "
            "'autopeft[ranking]'`"
        ) from None
    measure, most = TREC[metric]
    judged = {str(number): _judged(query) for number, query in enumerate(queries)}
    run = {
        str(number): _run(query, given, most) for number, (query, given) in enumerate(zip(queries, scores, strict=True))
    }
    found = pytrec_eval.RelevanceEvaluator(judged, {measure}).evaluate(run)
    return np.array([found[name][measure] if run[name] else 0.0 for name in run], np.float64)


def in_this_order(metric: str, queries: Sequence[Query]) -> NDArray[np.float64]:
    """Return how well the candidates of each query are ranked in the order in which they stand, `[queries]`."""
    return ranking_scores(metric, queries, [-np.arange(len(query.documents), dtype=np.float64) for query in queries])


def _judged(query: Query) -> dict[str, int]:
    """Return the grades of candidates, and of relevant documents that are none."""
    # Candidates are marked, so that no name of theirs is that of one missed.
    grades = {f"c{name}": grade for name, grade in zip(query.documents, query.grades, strict=True)}
    return grades | {f"m{number}": grade for number, grade in enumerate(query.missed)}


def _run(query: Query, scores: NDArray[np.floating[Any]], most: int | None) -> dict[str, float]:
    """Return the scores of the first candidates as trec_eval has them: in 32 bits."""
    named = zip((f"c{name}" for name in query.documents), np.asarray(scores, np.float32).tolist(), strict=True)
    ordered = sorted(named, key=lambda each: (each[1], each[0]), reverse=True)
    return dict(ordered[:most])
