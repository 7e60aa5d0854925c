"""What a model reached on a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["LabelResult", "Measured"]


@dataclass(frozen=True)
class LabelResult:
    """How well a label is told.

    Args:
        label: Its name.
        precision: The share of those that were given it that have it; None where none were.
        recall: The share of those that have it that were given it; None where none have it.
        support: How many have it.
    """

    label: str
    precision: float | None
    recall: float | None
    support: int

    @classmethod
    def of(cls, label: str, hits: int, told: int, having: int) -> LabelResult:
        """Return the result of a label.

        Args:
            label: Its name.
            hits: How many have it and were given it.
            told: How many were given it.
            having: How many have it.
        """
        precision, recall = (hits / whole if whole else None for whole in (told, having))
        return cls(label, precision, recall, having)


@dataclass(frozen=True)
class Measured:
    """What a model reached on a split.

    Args:
        figures: Every metric, and `loss`.
        labels: Where labels are told, the result by label.
        confusion: Where each example has one label, how often each was taken for which: `[true][predicted]`, in the
            order of `labels`.
        settled: What was chosen on these examples, as nothing had been settled yet (`TrialKind.settles`).
    """

    figures: dict[str, float]
    labels: tuple[LabelResult, ...] = ()
    confusion: tuple[tuple[int, ...], ...] | None = None
    settled: Mapping[str, float] = field(default_factory=dict)
