"""Score a set of measured configurations: its front, and the area that front dominates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["hypervolume", "pareto_front"]


def pareto_front(costs: Sequence[float], accuracies: Sequence[float]) -> list[int]:
    """Return which points no other point beats at equal or lower cost.

    Args:
        costs: Cost of each point, lower is better.
        accuracies: Accuracy of each point, higher is better.

    Returns:
        Indices by rising cost and accuracy; of points equal in both, the first.
    """
    best = -np.inf
    front = []
    for index in sorted(range(len(costs)), key=lambda i: (costs[i], -accuracies[i], i)):
        if accuracies[index] > best:
            best = accuracies[index]
            front.append(index)
    return front


def hypervolume(
    costs: Sequence[float],
    accuracies: Sequence[float],
    *,
    limit: float,
    reference: float,
    cheapest: float,
) -> float:
    """Compute the hypervolume of points over (log10 of cost, accuracy), exactly.

    Args:
        costs: Cost of each point. Points over the budget score nothing.
        accuracies: Accuracy of each point. Points at or below `reference` score nothing.
        limit: The budget: the reference point's cost.
        reference: Accuracy of the untouched backbone with its head trained: the reference point's accuracy.
        cheapest: Cheapest non-zero cost of the space; lower costs (0 has no logarithm) count as this.

    Returns:
        Decades of cost times accuracy.
    """
    end = np.log10(limit)
    front = [index for index in pareto_front(costs, accuracies) if accuracies[index] > reference]
    starts = [np.log10(max(costs[index], cheapest)) for index in front]
    ends = [*starts[1:], end]
    area = sum(
        max(min(stop, end) - start, 0.0) * (accuracies[index] - reference)
        for index, start, stop in zip(front, starts, ends, strict=False)
    )
    return float(area)
