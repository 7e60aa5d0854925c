"""What was found, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autopeft.selection.statistics import Difference

__all__ = ["Compared", "overall", "verdict_of"]


@dataclass(frozen=True)
class Compared:
    """A finalist beside stock LoRA.

    Args:
        name: What it is called.
        difference: How much better it is on test.
        parameters: Its trainable parameters as a multiple of stock LoRA's.
    """

    name: str
    difference: Difference
    parameters: float

    @property
    def better(self) -> bool:
        """Whether its interval lies above 0."""
        return self.difference.mean - self.difference.margin > 0

    @property
    def worse(self) -> bool:
        """Whether its interval lies below 0."""
        return self.difference.mean + self.difference.margin < 0


def verdict_of(compared: Compared) -> str:
    """Say how one finalist stands to stock LoRA."""
    share = f"at {_share(compared.parameters)} of its parameters"
    points = f"{100 * abs(compared.difference.mean):.1f} ± {100 * compared.difference.margin:.1f} points"
    if compared.better:
        return f"better than stock LoRA by {points} {share}"
    if compared.worse:
        return f"worse than stock LoRA by {points} {share}"
    sign = "+" if compared.difference.mean >= 0 else "-"
    return f"statistically tied with stock LoRA ({sign}{points}) {share}"


def overall(found: Sequence[Compared]) -> str:
    """Say whether searching helped.

    Args:
        found: What the search found, the best on validation first.
    """
    if not found:
        return "searching did not help: only the baselines are on its front; use stock LoRA"
    better = next((each for each in found if each.better), None)
    if better is not None:
        return f"{better.name} is {verdict_of(better)}"
    tied = [each for each in found if not each.worse]
    if not tied:
        return "searching did not help: nothing it found is as good as stock LoRA; use that"
    said = "searching did not help: what it found is statistically tied with stock LoRA; use it"
    cheapest = min(tied, key=lambda each: each.parameters)
    if cheapest.parameters < 1:
        said += f", or to train less {cheapest.name}, {verdict_of(cheapest)}"
    return said


def _share(ratio: float) -> str:
    percent = 100 * ratio
    return f"{percent:.0f}%" if percent >= 10 else f"{percent:.2g}%"
