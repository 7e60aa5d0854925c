"""Score a set of measured configurations: its front, and the area that front dominates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["accuracy_to_grow", "hypervolume", "hypervolume_of_many", "pareto_front", "pareto_front_of_many"]


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


def pareto_front_of_many(costs: Sequence[Sequence[float]], accuracies: Sequence[float]) -> list[int]:
    """Return which points of several costs no other point beats at equal or lower costs.

    Args:
        costs: Costs of each point, lower is better.
        accuracies: Accuracy of each point, higher is better.

    Returns:
        Indices by rising first cost; of points equal in all, the first.
    """
    if all(len(each) == 1 for each in costs):
        return pareto_front([cost for (cost,) in costs], accuracies)
    front: list[int] = []
    for index in sorted(range(len(costs)), key=lambda i: (*costs[i], -accuracies[i], i)):
        # Whatever beats a point comes before it.
        if not any(
            accuracies[known] >= accuracies[index]
            and all(theirs <= ours for theirs, ours in zip(costs[known], costs[index], strict=True))
            for known in front
        ):
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


def hypervolume_of_many(
    costs: Sequence[Sequence[float]],
    accuracies: Sequence[float],
    *,
    ranges: Sequence[Sequence[float]],
    reference: float,
) -> float:
    """Compute the hypervolume of points over the log10 of several costs and accuracy, exactly.

    Args:
        costs: Costs of each point.
        accuracies: Accuracy of each point.
        ranges: For each cost, what stands in for lower costs and the reference point's cost.
        reference: The reference point's accuracy.

    Returns:
        Decades of each cost times accuracy.
    """
    import torch
    from botorch.utils.multi_objective.hypervolume import Hypervolume

    low, high = np.log10(np.asarray(ranges, dtype=np.float64)).T
    logs = np.log10(np.maximum(np.asarray(costs, dtype=np.float64).reshape(len(costs), len(low)), 10.0**low))
    gains = np.column_stack([high - logs, np.asarray(accuracies, dtype=np.float64) - reference])
    counted = gains[(gains > 0).all(axis=1)]
    if not len(counted):
        return 0.0
    return float(Hypervolume(torch.zeros(counted.shape[1], dtype=torch.double)).compute(torch.from_numpy(counted)))


def accuracy_to_grow(
    costs: Sequence[float],
    accuracies: Sequence[float],
    cost: float,
    growth: float,
    *,
    limit: float,
    reference: float,
    cheapest: float,
) -> float:
    """Compute the accuracy above which a further point makes the hypervolume grow by more than a share of it.

    Args:
        costs: Cost of each point there is.
        accuracies: Accuracy of each point there is.
        cost: Cost of the further point.
        growth: Share of the hypervolume; at 0, the accuracy is that of the best point of equal or lower cost.
        limit: See `hypervolume`, as the next two.
        reference: Accuracy that scores nothing.
        cheapest: Stands in for lower costs.

    Returns:
        The accuracy, which may be more than a metric can reach; infinite at or over the limit.
    """
    start, end = np.log10(max(cost, cheapest)), np.log10(limit)
    if start >= end:
        return np.inf
    front = [(np.log10(max(costs[index], cheapest)), accuracies[index]) for index in pareto_front(costs, accuracies)]
    dearer = [(at, max(accuracy, reference)) for at, accuracy in front if start < at < end]
    levels = np.array([max([reference, *(a for at, a in front if at <= start)]), *(a for _, a in dearer)])
    widths = np.diff([start, *(at for at, _ in dearer), end])
    # As its accuracy rises past the level of one step of the front after another, the point lifts more of them.
    grown = [float(np.maximum(level - levels, 0.0) @ widths) for level in levels]
    needed = growth * hypervolume(costs, accuracies, limit=limit, reference=reference, cheapest=cheapest)
    if needed >= grown[-1]:
        return float(levels[-1] + (needed - grown[-1]) / (end - start))
    return float(np.interp(needed, grown, levels))
