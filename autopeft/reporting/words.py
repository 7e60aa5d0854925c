"""What baselines are called."""

from __future__ import annotations

from autopeft.methods import TITLES
from autopeft.trials import TrialKind

__all__ = ["baseline_in_words"]


def baseline_in_words(baseline: str | None, in_words: str, kind: type[TrialKind]) -> str:
    """Return what a configuration is called in tables: a baseline by what it is, others by their own words.

    Args:
        baseline: Its name as a baseline, if it is one.
        in_words: Its own words.
        kind: What trials were of.
    """
    names = {name: f"{title} (baseline): {in_words}" for name, title in TITLES.items()}
    names["head-only"] = f"{kind.untouched} (baseline)"
    return names.get(baseline or "", in_words)
