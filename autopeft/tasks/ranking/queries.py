"""Queries, each with the documents that are to be ranked for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from autopeft.tasks.texts import LabelledTexts

__all__ = ["Queries", "Query"]


@dataclass(frozen=True)
class Query:
    """A query and its candidates.

    Args:
        text: What is asked.
        documents: The names of the candidates.
        grades: How relevant each is; 0 or less for those that are not, or of which nobody has said so.
        missed: The grades of the relevant documents that are not among the candidates.
        elsewhere: The names of these, in the same order.
    """

    text: str
    documents: tuple[str, ...]
    grades: tuple[int, ...]
    missed: tuple[int, ...] = ()
    elsewhere: tuple[str, ...] = ()

    @cached_property
    def relevant(self) -> frozenset[str]:
        """The names of all documents that are relevant."""
        here = (name for name, grade in zip(self.documents, self.grades, strict=True) if grade > 0)
        return frozenset((*here, *self.elsewhere))


@dataclass(frozen=True)
class Queries:
    """Queries of a split.

    Args:
        queries: The queries.
        corpus: The texts of their candidates, and perhaps of others, by name.
    """

    queries: Sequence[Query]
    corpus: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.queries)

    def take(self, indices: Iterable[int]) -> Self:
        """Return the queries at the indices, in their order."""
        return replace(self, queries=[self.queries[int(index)] for index in indices])

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield each query with each of its candidates."""
        for query in self.queries:
            for document in query.documents:
                yield query.text, self.corpus[document]

    def labelled(self) -> LabelledTexts:
        """Return the pairs with their grades."""
        return LabelledTexts([*self.pairs()], [grade for query in self.queries for grade in query.grades])
