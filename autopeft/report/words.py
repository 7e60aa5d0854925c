"""What the baseline without adapters and the costs are called, for a task with a head and without."""

from __future__ import annotations

from autopeft.tasks import CAUSAL_METRICS

__all__ = ["cost_in_words", "untouched_in_words"]


def untouched_in_words(metric: str) -> str:
    """Name the baseline without adapters: a causal language model, whose head is its own, is then as it came."""
    return "untouched model" if metric in CAUSAL_METRICS else "head only"


def cost_in_words(metric: str) -> str:
    """Name what costs count."""
    return "trainable parameters" if metric in CAUSAL_METRICS else "trainable parameters, head not counted"
