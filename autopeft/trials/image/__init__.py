"""Trials on pictures."""

from autopeft.trials.image.kind import ImageTrials

__all__ = ["ImageTrials"]
