"""Which words of a long sentence are read together, so that each has others on both sides and is told once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Window", "windows"]

#: The share of a window that it has in common with the one before.
_SHARED = 1 / 4


class Window(NamedTuple):
    """Words that are read together; of a sentence, from one place up to another.

    Args:
        start: The first word.
        stop: After the last word.
        first: The first word that is told.
        end: After the last word that is told.
    """

    start: int
    stop: int
    first: int
    end: int


def windows(lengths: Sequence[int] | NDArray[np.int64], room: int) -> list[Window]:
    """Cover a sentence with windows.

    Neighbours share words, of which the earlier one tells the first half and the later one the others: these are read
    with what comes before and after them. A word longer than a window has one to itself.

    Args:
        lengths: Tokens of each word, 1 or more.
        room: Tokens of a window.

    Returns:
        The windows; each word is told in just one of them.
    """
    ends = np.cumsum(np.minimum(lengths, room))
    begins = np.concatenate([[0], ends])
    count = len(lengths)
    spans = []
    start = 0
    while True:
        stop = int(np.searchsorted(ends, begins[start] + room, side="right"))
        spans.append((start, stop))
        if stop >= count:
            break
        # The next window has what is shared before the next word, or as much of it as that leaves room for.
        start = int(np.searchsorted(begins, max(begins[stop] - _SHARED * room, begins[stop + 1] - room)))
    told = [0, *((later + stop) // 2 for (_, stop), (later, _) in pairwise(spans)), count]
    return [Window(*span, *both) for span, both in zip(spans, pairwise(told), strict=True)]
