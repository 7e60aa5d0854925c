"""Trials of preferences (DPO)."""

from autopeft.trials.preference.kind import PreferenceTrials

__all__ = ["PreferenceTrials"]
