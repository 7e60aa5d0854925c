"""How far one front lies above another, and how surely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy.stats import norm

__all__ = ["WIDTH", "Gap", "Reached", "front_gap"]

#: Standard deviations to either side of a 95 % interval.
WIDTH = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Reached:
    """What one configuration reached.

    Args:
        cost: Its cost.
        chosen_by: The accuracy by which it is chosen among those of equal or lower cost.
        accuracy: The accuracy it is judged by.
        error: The standard error of that; 0 where it is not known.
    """

    cost: float
    chosen_by: float
    accuracy: float
    error: float = 0.0


@dataclass(frozen=True)
class Gap:
    """How far one front lies above another, on average over the logarithm of cost.

    Args:
        start: The lowest cost at which both have something.
        stop: The highest cost.
        mean: The average difference of accuracy.
        error: Its standard error.
    """

    start: float
    stop: float
    mean: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the difference."""
        return self.mean - WIDTH * self.error, self.mean + WIDTH * self.error

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 0."""
        low, high = self.interval
        return low > 0 or high < 0


def front_gap(ours: Sequence[Reached], theirs: Sequence[Reached], cheapest: float, highest: float) -> Gap | None:
    """Return how far one front lies above another; None where they have no range of cost in common.

    At each cost, the configuration that was chosen counts, so that picking the best does not flatter the front with
    more of them. Errors of one front are taken to go together, as they come from the same test examples, and those of
    two fronts to be independent: where they share examples too, the true interval is narrower.

    Args:
        ours: The configurations of one front; those over the highest cost do not count.
        theirs: Those of the other.
        cheapest: Stands in for lower costs, 0 among them.
        highest: The budget.
    """
    fronts = [[each for each in front if each.cost <= highest] for front in (ours, theirs)]
    if not all(fronts):
        return None
    start = max(cheapest, *(min(each.cost for each in front) for front in fronts))
    if start >= highest:
        return None
    heights = [_height(front, math.log(start), math.log(highest)) for front in fronts]
    (our_mean, our_error), (their_mean, their_error) = heights
    return Gap(start, highest, our_mean - their_mean, math.hypot(our_error, their_error))


def _height(front: Sequence[Reached], start: float, stop: float) -> tuple[float, float]:
    """Return the average accuracy of what is chosen at each log-cost of a range, and its standard error."""
    chosen: list[Reached] = []
    for each in sorted(front, key=lambda one: (one.cost, -one.chosen_by)):
        if not chosen or each.chosen_by > chosen[-1].chosen_by:
            chosen.append(each)
    edges = [*(min(max(math.log(each.cost), start), stop) if each.cost > 0 else start for each in chosen), stop]
    shares = [(after - before) / (stop - start) for before, after in pairwise(edges)]
    return (
        sum(share * each.accuracy for share, each in zip(shares, chosen, strict=True)),
        sum(share * each.error for share, each in zip(shares, chosen, strict=True)),
    )
