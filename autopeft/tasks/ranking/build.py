"""From a collection to the splits of a task: what is missing split off, candidates found, all of it checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.ranking.bm25 import first_documents
from autopeft.tasks.ranking.collection import Collection, Judgements
from autopeft.tasks.ranking.queries import Queries, Query
from autopeft.tasks.splits import LEAST_ROWS, held_out_rows

__all__ = ["DEEP", "HeldOut", "queries_by_split", "query_of"]

#: Documents of a training query, and how many of them are relevant ones at most.
_LEARNED, _RELEVANT = 5, 2

#: So many of BM25's first documents are looked at for training: the rest would be no hard ones.
_MINED = 50

#: So many of BM25's first documents stand for its ranking of the whole corpus, as is usual with trec_eval.
DEEP = 1000

#: Makes the queries of a held-out split of its name, its judgements and what BM25 ranks first for each query; and says
#: what it did.
HeldOut = Callable[[str, Judgements, Mapping[str, Sequence[str]]], tuple[list[Query], str]]


def queries_by_split(
    name: str, collection: Collection, seed: int, depth: int, held_out: HeldOut, *, by_lot: bool = False
) -> tuple[dict[str, Queries], list[str]]:
    """Return the three splits, and what was done to make them.

    In training a query has relevant documents, whether BM25 finds them or not, and the first that are not.

    Args:
        name: What the task is called.
        collection: The documents, queries and judgements.
        seed: Seed of the splits.
        depth: So many documents of BM25's are looked at for held-out queries.
        held_out: Makes the queries of validation and test.
        by_lot: Whether documents are drawn where BM25 finds too few for a training query; else it has to find some.

    Raises:
        DataError: When the data cannot carry a search.
    """
    judged, notes = _all_three(collection, seed)
    _check(name, judged)
    ranked: dict[str, list[str]] = {}
    for names, most in (([*judged["train"]], _MINED), ([*judged["validation"], *judged["test"]], depth)):
        texts = [collection.queries[each] for each in names]
        ranked |= zip(names, first_documents(collection.documents, texts, most), strict=True)
    nothing = [query for query, found in ranked.items() if not found]
    if nothing and by_lot:
        notes.append(
            f"BM25 finds no document for {len(nothing):,} of {len(ranked):,} queries: none shares a word with them"
        )
    elif nothing:
        raise DataError(
            f"task {name}: BM25 finds no document for {len(nothing):,} of {len(ranked):,} queries, as none shares a "
            f"word with them, such as {collection.queries[nothing[0]][:80]!r}; leave such queries out, or mend them"
        )
    drawn = np.random.default_rng(seed).permutation(sorted(collection.documents))[:_MINED].tolist() if by_lot else []
    found = {"train": _learned(judged["train"], ranked, collection, drawn, notes)}
    for split in ("validation", "test"):
        found[split], said = held_out(split, judged[split], ranked)
        notes.append(said)
    _check(name, found)
    corpus = {each: collection.documents[each] for part in found.values() for query in part for each in query.documents}
    return {split: Queries(tuple(part), corpus) for split, part in found.items()}, notes


def _all_three(collection: Collection, seed: int) -> tuple[dict[str, dict[str, Mapping[str, int]]], list[str]]:
    """Split off the splits that are missing, whole queries at a time; equal ones stay on one side."""
    judged = {split: dict(found) for split, found in collection.judged.items()}
    missing = [split for split in ("validation", "test") if split not in judged]
    if not missing or not judged["train"]:
        judged |= {split: {} for split in missing}
        return {split: judged[split] for split in ("train", "validation", "test")}, []
    # By name: the order of the judgements shall not matter.
    names = sorted(judged["train"])
    rows = held_out_rows([collection.queries[each] for each in names], [""] * len(names), missing, seed)
    parts = {split: {names[row]: judged["train"][names[row]] for row in numbers} for split, numbers in rows.items()}
    said = f"{' and '.join(missing)} split off the training queries, each whole in one split (seed {seed})"
    return {split: parts.get(split, judged.get(split, {})) for split in ("train", "validation", "test")}, [said]


def _check(name: str, splits: Mapping[str, Sequence[Query] | Mapping[str, Mapping[str, int]]]) -> None:
    for split, least in LEAST_ROWS.items():
        if len(splits[split]) < least:
            raise DataError(
                f"task {name}: {split} has {len(splits[split])} usable quer{'y' if len(splits[split]) == 1 else 'ies'} "
                f"with relevant documents, expected at least {least}; add judgements, or give a larger file"
            )


def query_of(text: str, documents: Sequence[str], grades: Mapping[str, int]) -> Query:
    """Return a query with some documents.

    Args:
        text: What is asked.
        documents: Names of the documents.
        grades: How relevant these and others are, by name; those that it does not name are not.
    """
    there = set(documents)
    missed = sorted((-grade, each) for each, grade in grades.items() if grade > 0 and each not in there)
    return Query(
        text,
        tuple(documents),
        tuple(grades.get(each, 0) for each in documents),
        tuple(-grade for grade, _ in missed),
        tuple(each for _, each in missed),
    )


def _learned(
    judged: Mapping[str, Mapping[str, int]],
    ranked: Mapping[str, Sequence[str]],
    collection: Collection,
    drawn: Sequence[str],
    notes: list[str],
) -> list[Query]:
    """Return training queries: of each some relevant documents, and BM25's first that are not, then those drawn."""
    found, alone, added, left_out = [], 0, 0, 0
    for name, grades in judged.items():
        places = {each: place for place, each in enumerate(ranked[name])}
        relevant = [each for each, grade in grades.items() if grade > 0 and collection.documents[each]]
        relevant.sort(key=lambda each: (-grades[each], places.get(each, len(places)), each))
        # A copy of what is relevant is relevant, whoever judged it.
        texts = {collection.documents[each] for each in relevant}
        others = [
            each
            for each in dict.fromkeys((*ranked[name], *drawn))
            if grades.get(each, 0) <= 0 and collection.documents[each] not in texts
        ]
        if not relevant or not others:
            alone += 1
            continue
        left_out += max(0, len(relevant) - _RELEVANT)
        relevant = relevant[:_RELEVANT]
        added += sum(each not in places for each in relevant)
        documents = [*relevant, *others[: _LEARNED - len(relevant)]]
        found.append(query_of(collection.queries[name], documents, grades))
    notes.append(
        f"a training query has up to {_LEARNED} documents: up to {_RELEVANT} relevant ones ({added:,} that BM25 does "
        f"not find among its first are added, {left_out:,} beyond {_RELEVANT} a query left out), and BM25's first that "
        "are not"
    )
    if alone:
        notes.append(f"{alone:,} training queries left out: they have no documents of both sorts, relevant and not")
    return found
