"""Trials of retrieval."""

from autopeft.trials.retrieve.kind import RetrieveTrials

__all__ = ["RetrieveTrials"]
