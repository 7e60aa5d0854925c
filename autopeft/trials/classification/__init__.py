"""Trials of classification."""

from autopeft.trials.classification.kind import ClassificationTrials

__all__ = ["ClassificationTrials"]
