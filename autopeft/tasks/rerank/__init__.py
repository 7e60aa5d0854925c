"""Tasks of re-ranking: the documents that a first search finds are put into a better order."""

from autopeft.tasks.rerank.kind import METRICS, Pairs, Rerank

__all__ = ["METRICS", "Pairs", "Rerank"]
