"""What saved adapters reach on a split, and how that figure may be taken."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from autopeft.trials import LabelResult

__all__ = ["Evaluation"]


@dataclass(frozen=True)
class Evaluation:
    """What saved adapters reach on a split.

    Args:
        configuration: What they are, in words.
        split: The split.
        examples: Its size.
        seen: How many of its rows the adapters were trained on; None where that is not recorded.
        figures: Every metric, and `loss`.
        labels: Where labels are told, the result by label.
        confusion: Where each row has one label, how often each was taken for which: `[true][predicted]`, in the order
            of `labels`.
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
        if self.labels:
            found["labels"] = [asdict(one) for one in self.labels]
        if self.confusion is not None:
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
