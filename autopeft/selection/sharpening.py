"""Further seeds where a decision is open, until test would tell it or time is over. Reads validation only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autopeft.errors import AutopeftError
from autopeft.launch.plan import parse_duration
from autopeft.selection.power import foreseen
from autopeft.selection.racing import Entry, estimated
from autopeft.selection.statistics import Difference, Estimates

__all__ = ["Until", "sharpen"]


@dataclass(frozen=True)
class Until:
    """How long open decisions get further seeds.

    Args:
        width: Until half the width of an interval is so small, as a fraction; as long as anything is open with 0.
        seconds: Until so long after the start.
    """

    width: float = 0.0
    seconds: float = float("inf")

    @classmethod
    def parse(cls, text: str) -> Until:
        """Read `1pt`, or a time such as `30m`.

        Raises:
            AutopeftError: When it is neither.
        """
        points = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*pt\s*", text)
        if points and 0 < float(points[1]) < 100:
            return cls(width=float(points[1]) / 100)
        try:
            return cls(seconds=parse_duration(text))
        except ValueError:
            raise AutopeftError(f"--until is {text!r}; expected points such as 1pt, or a time such as 30m") from None


def sharpen(
    entries: Sequence[Entry],
    references: Sequence[int],
    searched: Sequence[int],
    *,
    width: float,
    margin: float,
    most: int,
    units: int,
) -> tuple[int, ...]:
    """Return whom another seed would tell most of, first; nobody where all is told that seeds can tell.

    A difference of something found to the reference that is the best is open while its interval, as validation foresees
    it on test, says neither that it is better or as good nor that it is worse.

    Args:
        entries: All finalists.
        references: Which of them are references, by place.
        searched: Which of them the search found.
        width: Half the width of an interval that is small enough.
        margin: By how much worse is as good.
        most: Seeds that an entry may have.
        units: Units of the test split.
    """
    validation = estimated(entries)
    best = max(references, key=lambda place: validation.means[place])
    beside = [place for place in range(len(entries)) if place not in searched]
    pairs = [(i, j) for i in range(len(entries)) for j in beside if i != j]
    expected, least = foreseen(validation, pairs, units), foreseen(_of_endless_seeds(validation), pairs, units)
    waiting = [
        place
        for place in searched
        if _is_open(expected[place, best], margin)
        and expected[place, best].margin > width
        # What examples leave unknown no seed will tell.
        and (not width or least[place, best].margin < width)
    ]
    told = np.zeros(len(entries))
    for place in waiting:
        for each in (place, best):
            told[each] += validation.seeds[each] / (len(entries[each].scores) + 1)
    free = [place for place, entry in enumerate(entries) if told[place] > 0 and len(entry.scores) < most]
    return tuple(sorted(free, key=lambda place: -told[place]))


def _of_endless_seeds(validation: Estimates) -> Estimates:
    return replace(validation, seeds=np.zeros_like(validation.seeds), both=np.zeros_like(validation.both))


def _is_open(difference: Difference, margin: float) -> bool:
    worse = difference.mean + difference.margin < -margin
    return not (difference.above(-margin) or worse)
