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

#: Documents that are searched on validation, or so many a query if that is more; half as many others at least are
#: searched beside the relevant ones.
_SEARCHED, _A_QUERY = 1000, 5


def corpus_of(collection: Collection, seed: int, metric: str) -> HeldOut:
    """Return what makes queries of held-out splits: their documents together are what is searched.

    Each query has its relevant documents and some others, so that fewer queries bring a smaller corpus along. On
    validation half of the others are those that BM25 ranks first for the query, the rest are drawn.

    Args:
        collection: The documents, queries and judgements.
        seed: Seed of what is drawn.
        metric: By which BM25's own ranking is measured.
    """

    def dealt(split: str, judged: Judgements, ranked: Mapping[str, Sequence[str]]) -> tuple[list[Query], str]:
        relevant = {each for grades in judged.values() for each, grade in grades.items() if grade > 0}
        others = [each for each in sorted(collection.documents) if each not in relevant]
        most = max(_SEARCHED, _A_QUERY * len(judged))
        wanted = max(most - len(relevant), most // 2)
        whole = split == "test" or wanted >= len(others)
        own: list[list[str]] = [[] for _ in judged]
        if not whole:
            for place, each in itertools.islice(_first([ranked[query] for query in judged], relevant), wanted // 2):
                own[place].append(each)
            taken = {each for those in own for each in those}
            rest = [each for each in others if each not in taken]
            drawn = np.random.default_rng(seed).permutation(len(rest))[: wanted - len(taken)]
            others = [rest[number] for number in drawn]
        found = []
        for place, (query, grades) in enumerate(judged.items()):
            own[place] += others[place :: len(judged)]
            right = sorted(each for each, grade in grades.items() if grade > 0)
            found.append(query_of(collection.queries[query], [*right, *own[place]], grades))
        searched = relevant.union(*own)
        bm25 = [
            query_of(collection.queries[query], [each for each in ranked[query] if each in searched], grades)
            for query, grades in judged.items()
        ]
        what = f"all {len(searched):,}" if whole else f"{len(searched):,} of the {len(collection.documents):,}"
        cut = "" if whole else ", and their share by trials of fewer queries: figures are higher than on all"
        reached = in_this_order(metric, bm25).mean()
        return found, f"{split}: {what} documents are searched{cut}; BM25 reaches {metric} {reached:.4f} on them"

    return dealt


def _first(ranked: Sequence[Sequence[str]], relevant: Names[str]) -> Iterator[tuple[int, str]]:
    """Yield each document once that is relevant to no query, by its best rank, with the place of the query."""
    seen = set(relevant)
    for rank in itertools.zip_longest(*ranked):
        for place, each in enumerate(rank):
            if each is not None and each not in seen:
                seen.add(each)
                yield place, each
