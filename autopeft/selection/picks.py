"""Picks one row of a front by name; the same names everywhere."""

from __future__ import annotations

import math
import re

from autopeft.costs import Budget
from autopeft.errors import AutopeftError
from autopeft.methods import REFERENCES
from autopeft.study import Front, FrontRow, Scale

__all__ = ["PICKS", "knee", "pick"]

#: The names of baselines, and what the study calls them.
_BASELINES = {"head": "head-only"} | {each.pick: each.name for each in REFERENCES}

#: The names, for help and messages.
PICKS = f"best, knee, `cheapest-within 0.5pt`, `budget 0.1%`, {', '.join(_BASELINES)}, or a trial number"


def pick(front: Front, scale: Scale, name: str) -> FrontRow:
    """Return the row of a front that a name stands for.

    Picks read validation accuracy only: they choose, and what is chosen has yet to be measured on other data.

    Args:
        front: The front.
        scale: Its budget and scoring.
        name: `best` (highest accuracy), `knee` (see `knee`), `cheapest-within X pt` (cheapest at most X points
            below the best), `budget B` (best within a smaller budget), `head` or the name of a reference, or the
            number of any trial that was measured.

    Raises:
        AutopeftError: When the front is empty, the name unknown, or nothing fits it.
    """
    if not front.rows:
        raise AutopeftError("the front is empty: no trial has finished yet; run `autopeft search` first")
    best = max(front.rows, key=lambda row: row.accuracy)
    words = name.strip()
    if words == "best":
        return best
    if words == "knee":
        found = knee(front, scale)
        if found is None:
            raise AutopeftError(
                "nothing on the front is better than what has no adapters, so that there is no knee; expected another "
                "pick, such as best or head"
            )
        return found
    if words in _BASELINES:
        return _baseline(front, words)
    within = re.fullmatch(r"cheapest-within\s+(\d+(?:\.\d+)?)\s*pt", words)
    if within:
        floor = best.accuracy - float(within[1]) / 100
        return min((row for row in front.rows if row.accuracy >= floor - 1e-12), key=_cost)
    if words.startswith("budget "):
        limit = Budget.parse(words.removeprefix("budget ").strip()).limit(scale.backbone)
        fitting = [row for row in front.rows if row.params <= limit]
        if not fitting:
            cheapest = min(row.params for row in front.rows)
            raise AutopeftError(f"no row of the front has at most {limit:,} parameters; the cheapest has {cheapest:,}")
        return max(fitting, key=lambda row: row.accuracy)
    if words.isdecimal():
        for row in (*front.rows, *front.baselines, *front.others, *front.stopped):
            if row.trial == int(words):
                return row
        measured = sorted({row.trial for row in (*front.rows, *front.baselines, *front.others, *front.stopped)})
        raise AutopeftError(f"no trial that was measured has the number {words}; expected one of {_listed(measured)}")
    raise AutopeftError(f"unknown pick {name!r}; expected {PICKS}")


def _listed(numbers: list[int]) -> str:
    """Return some numbers in words, no more than can be read."""
    return ", ".join(map(str, numbers)) if len(numbers) <= 12 else f"{len(numbers)} from {numbers[0]} to {numbers[-1]}"


def _baseline(front: Front, name: str) -> FrontRow:
    found = next((row for row in front.baselines if row.baseline == _BASELINES[name]), None)
    if found is None:
        measured = {row.baseline for row in front.baselines}
        there = [pick for pick, baseline in _BASELINES.items() if baseline in measured]
        raise AutopeftError(f"this run has not measured {name}; it has {', '.join(there) or 'no baseline yet'}")
    return found


def knee(front: Front, scale: Scale) -> FrontRow | None:
    """Return the row farthest above the line from the cheapest to the best row, over (log10 cost, accuracy).

    Of several costs the first counts; costs of 0 count as the cheapest non-zero cost. Where no row is above that line
    it is the best one. What is not better than the untouched model is never it; None where nothing is better.
    """
    heads = [row.accuracy for row in front.baselines if row.baseline == _BASELINES["head"] and not row.failed]
    above_head = [row for row in front.rows if all(row.accuracy > accuracy for accuracy in heads)]
    if not above_head:
        return None
    first, last = front.rows[0], max(front.rows, key=lambda row: row.accuracy)
    width = _log_cost(last, scale) - _log_cost(first, scale)
    if width <= 0:
        return last

    def above(row: FrontRow) -> float:
        along = (_log_cost(row, scale) - _log_cost(first, scale)) / width
        return row.accuracy - (first.accuracy + along * (last.accuracy - first.accuracy))

    between = (row for row in above_head if row not in (first, last) and above(row) > 0)
    return max(between, key=above, default=last)


def _cost(row: FrontRow) -> float:
    """Return the first of the costs that are objectives."""
    return next(iter(row.costs.values()))


def _log_cost(row: FrontRow, scale: Scale) -> float:
    cheapest, _ = next(iter(scale.costs.values()))
    return math.log10(max(_cost(row), cheapest))
