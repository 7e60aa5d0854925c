"""What baselines and costs are called, for a task with a head and without."""

from __future__ import annotations

from autopeft.tasks import CAUSAL_METRICS

__all__ = ["baseline_in_words", "cost_in_words", "untouched_in_words"]


def untouched_in_words(metric: str) -> str:
    """Name the baseline without adapters: a causal language model, whose head is its own, is then as it came."""
    return "untouched model" if metric in CAUSAL_METRICS else "head only"


def baseline_in_words(baseline: str | None, in_words: str, metric: str) -> str:
    """Return what a configuration is called in tables: a baseline by what it is, others by their own words."""
    names = {
        "head-only": f"{untouched_in_words(metric)} (baseline)",
        "stock-lora": f"stock LoRA (baseline): {in_words}",
    }
    return names.get(baseline or "", in_words)


def cost_in_words(metric: str) -> str:
    """Name what costs count."""
    return "trainable parameters" if metric in CAUSAL_METRICS else "trainable parameters, head not counted"
