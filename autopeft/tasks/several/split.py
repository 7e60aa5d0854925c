"""Examples of several tasks in one order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SeveralSplit"]


@dataclass(frozen=True)
class SeveralSplit:
    """Some of the examples of several splits.

    Args:
        wholes: The splits, one of each task.
        kinds: The names of their kinds.
        part: Of which task each example is, int64 `[n]`.
        row: Its number in the split of that task, int64 `[n]`.
    """

    wholes: Sequence[Any]
    kinds: Sequence[str]
    part: NDArray[np.int64]
    row: NDArray[np.int64]

    @classmethod
    def of(cls, wholes: Sequence[Any], kinds: Sequence[str]) -> SeveralSplit:
        """Return all examples of splits, task by task; arguments as of the class."""
        part = np.repeat(np.arange(len(wholes)), [len(each) for each in wholes]).astype(np.int64)
        row = np.concatenate([np.empty(0, np.int64), *(np.arange(len(each)) for each in wholes)])
        return cls(tuple(wholes), tuple(kinds), part, row)

    def __len__(self) -> int:
        return len(self.part)

    def take(self, indices: Iterable[int]) -> SeveralSplit:
        """Return the examples at the indices, in their order."""
        picked = np.asarray([int(index) for index in indices], np.int64)
        return SeveralSplit(self.wholes, self.kinds, self.part[picked], self.row[picked])

    def divided(self) -> list[tuple[NDArray[np.int64], Any]]:
        """Return for each task the places of its examples here, and these as a split of their own."""
        places = [np.flatnonzero(self.part == number) for number in range(len(self.wholes))]
        return [(found, whole.take(self.row[found])) for found, whole in zip(places, self.wholes, strict=True)]
