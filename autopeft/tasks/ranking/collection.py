"""A collection: documents, queries, and who judged which of them relevant to which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autopeft.tasks.intake import Intake

__all__ = ["Collection", "Judgements"]

#: Of each query the grades of its judged documents, by name.
Judgements = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Collection:
    """Documents, queries and judgements.

    Args:
        documents: The texts of the documents, by name.
        queries: The texts of the queries, by name.
        judged: The judgements of each split that is given, `train` among them; each query has a relevant document, and
            none is in two splits.
        intake: What became of the rows of each source.
    """

    documents: Mapping[str, str]
    queries: Mapping[str, str]
    judged: Mapping[str, Judgements]
    intake: Mapping[str, Intake]
