"""Trials of regression."""

from autopeft.trials.regression.kind import RegressionTrials

__all__ = ["RegressionTrials"]
