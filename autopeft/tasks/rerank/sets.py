"""Several documents put before a language model at once, which names the one that answers a query best.

Setwise, as the supervised stage of Rank-R1 has it (Zhuang et al. 2025, arXiv:2503.06034): one relevant document among
others that are drawn, and the right answer is its number in brackets, between tags.
"""

from __future__ import annotations

import re
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks.causal import STAND_IN, CausalSplit, Format, Turn
from autopeft.tasks.ranking.build import query_of
from autopeft.tasks.ranking.collection import Collection
from autopeft.tasks.ranking.queries import Queries, Query

__all__ = ["ASKING", "PROMPT", "answer_of", "drawn_sets", "led_by", "named_in", "told_sets"]

#: How a model without a chat template is asked.
ASKING = Format("question", ("question", "answer"), before="{}\nAnswer:", between=" ")

#: What is asked; the documents stand in lines of their own, each after its number.
PROMPT = (
    'Which of these documents answers the query "{query}" best?\n{documents}\nGive its number in brackets, between '
    "tags: if it were the third, <answer>[3]</answer>."
)

#: Words of a document that are shown.
WORDS = 100

_TAGGED = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_NUMBER = re.compile(r"\[(\d+)\]")


def drawn_sets(split: Queries, collection: Collection, size: int, seed: int) -> Queries:
    """Return queries, each with one relevant document and others, drawn from all, in an order by lot.

    Args:
        split: Queries, each with a relevant document.
        collection: All documents.
        size: Documents of a set; fewer where there are not so many.
        seed: Draws them.
    """
    rng, names = np.random.default_rng(seed), sorted(collection.documents)
    found: list[Query] = []
    for query in split.queries:
        grade = max(query.grades)
        right = query.documents[query.grades.index(grade)]
        # A copy of what is relevant is relevant, whoever judged it.
        texts = {collection.documents[name] for name in query.relevant}
        order = (names[place] for place in rng.permutation(len(names)))
        others = (name for name in order if collection.documents[name] not in texts)
        drawn = [right, *islice(others, size - 1)]
        by_lot = [drawn[place] for place in rng.permutation(len(drawn))]
        found.append(query_of(query.text, by_lot, {right: grade}))
    shown = {name: collection.documents[name] for query in found for name in query.documents}
    return Queries(found, {**split.corpus, **shown})


def told_sets(split: Queries, *, answered: bool = True) -> CausalSplit:
    """Return what a model is asked of queries and should answer.

    Args:
        split: The queries.
        answered: Whether to leave out those that have no relevant document; else something stands for their answer.
    """
    chosen = [query for query in split.queries if not answered or max(query.grades, default=0) > 0]
    return CausalSplit([_example(query, split) for query in chosen])


def _example(query: Query, split: Queries) -> tuple[Turn, Turn]:
    texts = (" ".join(split.corpus[name].split()[:WORDS]) for name in query.documents)
    lines = "\n".join(f"{_label(number)} {text}" for number, text in enumerate(texts, 1))
    best = max(query.grades, default=0)
    answer = answer_of(query.grades.index(best) + 1) if best > 0 else STAND_IN
    return Turn("user", PROMPT.format(query=query.text, documents=lines)), Turn("assistant", answer)


def answer_of(number: int) -> str:
    """Return the answer that names a document, counted from 1."""
    return f"<answer>{_label(number)}</answer>"


def _label(number: int) -> str:
    return f"[{number}]"


def named_in(text: str, count: int) -> int | None:
    """Return the place of the document that an answer names, from 0; None where it names none of so many.

    What stands before and behind the tags does not matter; between them nothing may stand but a number in brackets.
    """
    tagged = _TAGGED.search(text)
    number = None if tagged is None else _NUMBER.fullmatch(tagged[1].strip())
    place = 0 if number is None else int(number[1])
    return place - 1 if 1 <= place <= count else None


def led_by(place: int | None, count: int) -> NDArray[np.float64]:
    """Return scores by which one document of so many comes first, and the others as they stand."""
    scores = -np.arange(count, dtype=np.float64)
    if place is not None:
        scores[place] = 1.0
    return scores
