"""Trials of causal language models."""

from autopeft.trials.causal.kind import CausalTrials

__all__ = ["CausalTrials"]
