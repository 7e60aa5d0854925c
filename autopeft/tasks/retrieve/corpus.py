"""What is searched on held-out splits: on test the whole corpus, on validation a part of it."""

from __future__ import annotations

import itertools
from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from autopeft.tasks.ranking.build import HeldOut, query_of
from autopeft.tasks.ranking.collection import Collection, Judgements
from autopeft.tasks.ranking.metrics import in_this_order
from autopeft.tasks.ranking.queries import Query

__all__ = ["corpus_of"]

#: Documents that are searched on validation, or so many a query if that is more.
_SEARCHED, _A_QUERY = 1000, 5


def corpus_of(collection: Collection, seed: int, metric: str) -> HeldOut:
    """Return what makes queries of held-out splits: their documents together are what is searched.

    Each query has its relevant documents, and its share of the others, so that some of the queries bring a smaller
    corpus along. On validation half of the others are those that BM25 ranks first for the queries, half are drawn.

    Args:
        collection: The documents, queries and judgements.
        seed: Seed of what is drawn.
        metric: By which BM25's own ranking is measured.
    """

    def dealt(split: str, judged: Judgements, ranked: Mapping[str, Sequence[str]]) -> tuple[list[Query], str]:
        relevant = {each for grades in judged.values() for each, grade in grades.items() if grade > 0}
        others = [each for each in sorted(collection.documents) if each not in relevant]
        wanted = max(_SEARCHED, _A_QUERY * len(judged)) - len(relevant)
        whole = split == "test" or wanted >= len(others)
        if not whole:
            others = _some(others, [ranked[query] for query in judged], relevant, max(0, wanted), seed)
        found = []
        for place, (query, grades) in enumerate(judged.items()):
            own = sorted(each for each, grade in grades.items() if grade > 0)
            found.append(query_of(collection.queries[query], [*own, *others[place :: len(judged)]], grades))
        searched = relevant.union(others)
        bm25 = [
            query_of(collection.queries[query], [each for each in ranked[query] if each in searched], grades)
            for query, grades in judged.items()
        ]
        what = f"all {len(searched):,}" if whole else f"{len(searched):,} of the {len(collection.documents):,}"
        cut = "" if whole else ", so that figures are higher than those of the whole corpus"
        reached = in_this_order(metric, bm25).mean()
        return found, f"{split}: {what} documents are searched{cut}; BM25 reaches {metric} {reached:.4f} on them"

    return dealt


def _some(
    others: Sequence[str], ranked: Sequence[Sequence[str]], relevant: Names[str], count: int, seed: int
) -> list[str]:
    """Choose so many documents: those that BM25 ranks first, query by query, then by lot."""
    chosen = dict.fromkeys(itertools.islice(_first(ranked, relevant), count // 2))
    rest = [each for each in others if each not in chosen]
    drawn = np.random.default_rng(seed).permutation(len(rest))[: count - len(chosen)]
    return [*chosen, *(rest[number] for number in drawn)]


def _first(ranked: Sequence[Sequence[str]], relevant: Names[str]) -> Iterator[str]:
    """Yield each document once that is relevant to no query, by its best rank for one."""
    seen = set(relevant)
    for rank in itertools.zip_longest(*ranked):
        for each in rank:
            if each is not None and each not in seen:
                seen.add(each)
                yield each
