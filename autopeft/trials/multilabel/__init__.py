"""Trials of several labels."""

from autopeft.trials.multilabel.kind import MultilabelTrials

__all__ = ["MultilabelTrials"]
