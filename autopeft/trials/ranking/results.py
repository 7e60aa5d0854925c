"""What a model makes of some queries: documents with scores, and how good the order is that these make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks.ranking.metrics import ranking_scores
from autopeft.tasks.ranking.queries import Query
from autopeft.trials.measured import Measured

__all__ = ["Ranked"]


@dataclass(frozen=True)
class Ranked:
    """The scores of documents of some queries.

    Args:
        queries: The queries, each with its documents, in the order of their rows.
        scores: Of each the scores of its documents.
        loss: The mean loss; 0 where nothing tells one document from another.
    """

    queries: Sequence[Query]
    scores: Sequence[NDArray[np.float32]]
    loss: float

    def by_query(self, metric: str) -> NDArray[np.float64]:
        """Return a metric query by query."""
        return ranking_scores(metric, self.queries, self.scores)

    def measured(self, metrics: Iterable[str]) -> Measured:
        """Return some metrics, and `loss`."""
        return Measured({metric: float(self.by_query(metric).mean()) for metric in metrics} | {"loss": self.loss})
