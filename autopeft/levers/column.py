"""Which column training rows are learned from where several tell the same in other words."""

from __future__ import annotations

from autopeft.space.vocabulary import Knob

__all__ = ["COLUMN", "NO_COLUMN"]

#: The word for no other column than the task's own.
NO_COLUMN = "none"

#: Another column in place of the one that the kind of task names (`TaskKind.replaced`): chains of thought in place of
#: bare answers (Syromiatnikov et al. 2025, arXiv:2503.13988), queries rewritten where they are ambiguous (CAR, Anand et
#: al. 2023, arXiv:2308.16753). Where a row has nothing there it keeps its own.
COLUMN = Knob(
    "column",
    "name",
    "column that is learned from in place of the task's own, where a row has something there",
    NO_COLUMN,
    unsaid=True,
)
