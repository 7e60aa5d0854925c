"""Trials of re-ranking."""

from autopeft.trials.rerank.kind import RerankTrials

__all__ = ["RerankTrials"]
