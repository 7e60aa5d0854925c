"""What people take from a search: the best within the budget, or the cheapest that is within half a point of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from studies.arena.benchmarks import NEAR, Benchmark, Best

__all__ = ["SCORES", "excess", "regret", "regret_as_told", "scored"]

#: Of each trial its cost, the accuracy told and the true one; None where it was stopped.
Found = Sequence[Sequence[float] | None]

Score = Callable[[Found, Benchmark, Best], float]


def regret(found: Found, benchmark: Benchmark, best: Best) -> float:
    """Return by how many points the most accurate one found, within the budget, is behind the best known.

    Args:
        found: The trials of a search so far.
        benchmark: What was searched.
        best: The best known of it.
    """
    within = [one[2] for one in found if one is not None and one[0] <= benchmark.limit]
    return 100 * (best.accuracy - max(within, default=benchmark.reference))


def regret_as_told(found: Found, benchmark: Benchmark, best: Best) -> float:
    """Return by how many points the one that is told to be the most accurate is behind; see `regret`."""
    within = [one for one in found if one is not None and one[0] <= benchmark.limit]
    picked = max(within, key=lambda one: one[1])[2] if within else benchmark.reference
    return 100 * (best.accuracy - picked)


def excess(found: Found, benchmark: Benchmark, best: Best) -> float:
    """Return the decades by which the cheapest found within half a point of the best known exceeds the cheapest such.

    Where none was found it is the budget that counts. See `regret` for the arguments.
    """
    near = [one[0] for one in found if one is not None and one[2] >= best.accuracy - NEAR]
    cost = max(min([*near, benchmark.limit]), benchmark.cheapest)
    return float(np.log10(cost / best.cost))


#: The scores by what a table calls them, the lower the better.
SCORES: Mapping[str, Score] = {
    "regret of the best found within the budget, points": regret,
    "regret of the one told to be the best, points": regret_as_told,
    "cost of the cheapest within half a point, decades above the least": excess,
}


def scored(rows: Sequence[Mapping[str, Any]], score: Score, benchmark: Benchmark, best: Best) -> list[dict[str, Any]]:
    """Return stored searches with a score in the place of the hypervolume, after each trial.

    Those that were stored without what they found are left out.
    """
    return [
        {**row, "growth": [score(row["found"][: count + 1], benchmark, best) for count in range(len(row["found"]))]}
        for row in rows
        if "found" in row
    ]
