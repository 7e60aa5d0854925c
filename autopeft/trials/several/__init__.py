"""Trials of several tasks."""

from autopeft.trials.several.kind import SeveralTrials

__all__ = ["SeveralTrials"]
