"""What several tasks gain, each over what its untouched model reaches on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks import KINDS, Metric
from autopeft.tasks.several import Part

__all__ = ["MEAN", "WORST", "figures_of", "judge_of", "scores_of"]

#: The metrics of several tasks.
MEAN, WORST = "mean_gain", "worst_gain"


def judge_of(part: Part) -> Metric:
    """Return the metric that a task is judged by."""
    return KINDS[part.kind].metrics[part.metric]


def figures_of(
    parts: Sequence[Part], found: Mapping[int, Mapping[str, float]], untouched: Sequence[float] | None
) -> dict[str, float]:
    """Return the figures of several tasks.

    Args:
        parts: The tasks.
        found: The figures of each, by its number; of those that were measured.
        untouched: What the untouched model of each task reaches, more being better; None where that is measured.

    Returns:
        Every figure of each task behind its name, its gain, and the mean and the worst of the gains.
    """
    named: dict[str, float] = {}
    gains = []
    for number, figures in found.items():
        part = parts[number]
        reached = float(judge_of(part).signed(figures[part.metric]))
        gains.append(0.0 if untouched is None else reached - untouched[number])
        named |= {f"{part.name}: {name}": value for name, value in figures.items()}
        named[f"{part.name}: gain"] = gains[-1]
    return {**named, MEAN: float(np.mean(gains)), WORST: float(min(gains))}


def scores_of(
    metric: str,
    places: Sequence[NDArray[np.int64]],
    scores: Sequence[NDArray[np.float64]],
    untouched: Sequence[float] | None,
) -> NDArray[np.float64]:
    """Return for each example what it has to do with the gains; their mean is the metric.

    An example counts by how much its task does in the mean, however many examples that has; of the worst gain those of
    the worst task alone do.

    Args:
        metric: `MEAN` or `WORST`.
        places: Of each task the places of its examples.
        scores: Of each task their scores, more being better, whose mean is what it is judged by.
        untouched: As for `figures_of`.
    """
    count = sum(map(len, places))
    own = [each.mean() for each in scores]
    base = own if untouched is None else untouched
    gains = [each - level for each, level in zip(scores, base, strict=True)]
    means = np.array([each.mean() for each in gains])
    weights = np.full(len(places), 1 / len(places)) if metric == MEAN else np.eye(len(places))[means.argmin()]
    found = np.zeros(count)
    for where, each, weight in zip(places, gains, weights, strict=True):
        found[where] = each * weight * count / len(where)
    return found
