"""Trials of tagging."""

from autopeft.trials.tokens.kind import TokensTrials

__all__ = ["TokensTrials"]
