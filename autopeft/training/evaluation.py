"""What saved adapters reach on a split, and how that figure may be taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Evaluation", "LabelResult", "by_label"]


@dataclass(frozen=True)
class LabelResult:
    """How well one label is told.

    Args:
        label: Its name.
        precision: Share of the texts given the label that have it, in 0..1; None where none is given it.
        recall: Share of the texts with the label that are given it, in 0..1; None where none has it.
        support: Texts that have it.
    """

    label: str
    precision: float | None
    recall: float | None
    support: int


@dataclass(frozen=True)
class Evaluation:
    """What saved adapters reach on a split.

    Args:
        configuration: What they are, in words.
        split: The split.
        examples: Its size.
        seen: How many of its rows the adapters were trained on; None where that is not recorded.
        figures: Every metric, and `loss`.
        labels: Of a task of classification, the result by label.
        confusion: Likewise, how often each label was taken for which: `[true][predicted]`, in the order of `labels`.
    """

    configuration: str
    split: str
    examples: int
    seen: int | None
    figures: dict[str, float]
    labels: tuple[LabelResult, ...] = ()
    confusion: tuple[tuple[int, ...], ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        found: dict[str, Any] = {**self.figures, "examples": self.examples, "trained_on": self.seen}
        if self.confusion is not None:
            found["labels"] = [
                {"label": one.label, "precision": one.precision, "recall": one.recall, "support": one.support}
                for one in self.labels
            ]
            found["confusion"] = [list(row) for row in self.confusion]
        return found

    def warning(self) -> str | None:
        """Say how many rows were trained on, which makes figures better than they are; None where none was."""
        if self.seen is None:
            return "which rows the adapters were trained on is not recorded; figures on those are too good"
        if not self.seen:
            return None
        rows = "row" if self.examples == 1 else "rows"
        return (
            f"the adapters were trained on {self.seen:,} of these {self.examples:,} {rows} "
            f"({self.seen / self.examples:.1%}): the figures are better than on new ones"
        )


def by_label(labels: Sequence[str], confusion: NDArray[np.int64]) -> tuple[LabelResult, ...]:
    """Return the result of each label.

    Args:
        labels: Their names.
        confusion: Counts `[true, predicted]`.
    """
    right, given, having = confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1)
    return tuple(
        LabelResult(label, _share(hits, guessed), _share(hits, there), int(there))
        for label, hits, guessed, there in zip(labels, right, given, having, strict=True)
    )


def _share(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None
