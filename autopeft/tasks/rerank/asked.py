"""How a language model is asked how relevant a document is, and what its answers are.

Pointwise, as yes or no (Nogueira et al. 2020, "Document Ranking with a Pretrained Sequence-to-Sequence Model"), or as a
grade (Zhuang et al. 2024, "Beyond Yes and No").
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.encoding import IGNORED
from autopeft.tasks.ranking.queries import Queries

__all__ = ["HEAD", "YES_OR_NO", "Asked", "Question", "ask", "question_of"]

#: What stands before the question; it is cut where it is too long.
HEAD = "Query: {query}\nDocument: {document}"

#: The answers where there are no grades, the less relevant one first.
YES_OR_NO = ("no", "yes")


@dataclass(frozen=True)
class Question:
    """What is asked of each document, in tokens.

    Args:
        begin: What every text begins with.
        tail: The question, which follows query and document.
        answers: The token of each answer, the least relevant first.
    """

    begin: tuple[int, ...]
    tail: tuple[int, ...]
    answers: tuple[int, ...]

    def room(self, max_length: int) -> int:
        """Return how many tokens are left for query and document, beside the question and an answer.

        Raises:
            DataError: When there are none.
        """
        room = max_length - len(self.begin) - len(self.tail) - 1
        if room < 1:
            raise DataError(
                f"texts are cut at {max_length} tokens, and the question alone takes {max_length - room}; give more by "
                "--max-length"
            )
        return room


def question_of(answers: Sequence[str], tokenizer: Any) -> Question:
    """Return the question in tokens.

    Args:
        answers: What may be answered, the least relevant first.
        tokenizer: A tokenizer of transformers.

    Raises:
        DataError: When an answer is no token of its own.
    """
    words = "Relevant" if tuple(answers) == YES_OR_NO else f"Relevance from {answers[0]} to {answers[-1]}"
    whole = [tokenizer(f"\n{words}: {answer}", add_special_tokens=False)["input_ids"] for answer in answers]
    # Some tokenizers have a token for the blank before an answer: what all begin with belongs to the question.
    alike = itertools.takewhile(lambda ids: len(set(ids)) == 1, zip(*whole, strict=False))
    tail = tuple(ids[0] for ids in alike)
    last = [ids[len(tail) :] for ids in whole]
    unknown = tokenizer.unk_token_id
    long = [answer for answer, ids in zip(answers, last, strict=True) if len(ids) != 1 or ids[0] == unknown]
    if long:
        raise DataError(
            f"the model has no token of its own for the answer {long[0]!r}; expected one for each of {answers[0]} to "
            f"{answers[-1]}: give other grades by --grades, such as 9, or leave them out"
        )
    start = tokenizer("a")["input_ids"][:1]
    begin = start if start == [tokenizer.bos_token_id] else []
    return Question(tuple(begin), tail, tuple(ids[0] for ids in last))


@dataclass(frozen=True)
class Asked:
    """Queries with their documents, each with the question and the right answer, in tokens.

    Args:
        ids: The tokens of each pair, the answer last.
        labels: At each token `IGNORED`, at the answer its id.
        truncated: Share of the pairs that were cut.
    """

    ids: list[list[int]]
    labels: list[list[int]]
    truncated: float


def ask(split: Queries, right: Sequence[int], question: Question, tokenizer: Any, max_length: int) -> Asked:
    """Tokenise each query with each of its documents, the question and the right answer.

    Args:
        split: The queries.
        right: The number of the right answer of each pair.
        question: The question.
        tokenizer: A tokenizer of transformers.
        max_length: Pairs are cut to so many tokens, question and answer among them.

    Raises:
        DataError: When there is no room for a text.
    """
    room = question.room(max_length)
    texts = [HEAD.format(query=query, document=document) for query, document in split.pairs()]
    heads = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"] if texts else []
    answers = [question.answers[number] for number in right]
    ids = [[*question.begin, *head[:room], *question.tail, answer] for head, answer in zip(heads, answers, strict=True)]
    labels = [[IGNORED] * (len(row) - 1) + row[-1:] for row in ids]
    return Asked(ids, labels, float(np.mean([len(head) > room for head in heads])) if heads else 0.0)
