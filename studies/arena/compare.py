"""What the stored searches say: means with intervals, and paired tests of samplers against one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from studies.arena.run import LONG, SHORT

__all__ = ["CHECKPOINTS", "Standing", "Test", "against", "holm", "means", "standings"]

#: Trials at which searches are compared.
CHECKPOINTS = (8, 16, 24, 32, 64, 100)

#: The share of the best known hypervolume that a search is to reach.
_GOAL = 0.95


@dataclass(frozen=True)
class Standing:
    """How a sampler does on a benchmark.

    Args:
        sampler: Its name.
        seeds: Searches of 32 trials.
        shares: Mean share of the best known hypervolume by checkpoint, with half the width of its 95 % interval.
        area: Mean share over the first 32 trials.
        goal: Median trials to 95 %, of the searches of 32 trials. Where most of those do not get there, it is beyond
            32, and the long ones tell where; infinite when they do not say so.
        within: Trials of the searches that tell the goal.
        reached: Share of the searches of 32 trials that get there.
        seconds: Mean time of a suggestion.
        steps: Mean share of the training steps that searches spent, of finishing every trial; searches stored without
            it finished all.
    """

    sampler: str
    seeds: int
    shares: Mapping[int, tuple[float, float]]
    area: float
    goal: float
    within: int
    reached: float
    seconds: float
    steps: float


@dataclass(frozen=True)
class Test:
    """A paired comparison with a rival on a benchmark at a checkpoint.

    Args:
        benchmark: The benchmark.
        sampler: The sampler.
        checkpoint: Trials.
        difference: Mean difference of shares, sampler minus rival.
        p: Two-sided p-value of a paired t-test.
    """

    benchmark: str
    sampler: str
    checkpoint: int
    difference: float
    p: float


def standings(rows: Sequence[Mapping[str, Any]], best: float) -> list[Standing]:
    """Sum up the stored searches of a benchmark, a line for each sampler.

    Args:
        rows: What `studies.arena.run.stored` returns.
        best: The best hypervolume known.
    """
    found = []
    for sampler in dict.fromkeys(row["sampler"] for row in rows):
        mine = [row for row in rows if row["sampler"] == sampler]
        shares = means(mine, best)
        short, long = (
            [np.array(r["growth"]) / best for r in mine if r["trials"] == trials] for trials in (SHORT, LONG)
        )
        to_goal = [_to_goal(curve) for curve in short]
        goal, within = float(np.median(to_goal)), len(short[0])
        if np.isinf(goal) and long:
            far = float(np.median([_to_goal(curve) for curve in long]))
            # Three long searches that happen to be quick do not outvote the short ones.
            goal, within = (far, len(long[0])) if far > SHORT else (goal, within)
        found.append(
            Standing(
                sampler,
                len(short),
                shares,
                area=float(np.mean([curve.mean() for curve in short])),
                goal=goal,
                within=within,
                reached=float(np.mean(np.isfinite(to_goal))),
                seconds=float(np.mean([row["seconds"] for row in mine])),
                steps=float(np.mean([row.get("steps", 1.0) for row in mine])),
            )
        )
    return found


def means(
    rows: Sequence[Mapping[str, Any]], unit: float = 1.0, checkpoints: Sequence[int] = CHECKPOINTS
) -> dict[int, tuple[float, float]]:
    """Return the mean of what searches of one sampler reached by checkpoint, with half the width of its 95 % interval.

    Args:
        rows: The searches.
        unit: What it is a multiple of.
        checkpoints: After how many trials.
    """
    found = {}
    for checkpoint in checkpoints:
        values = np.array(list(_at(rows, checkpoint).values())) / unit
        if len(values):
            found[checkpoint] = (float(values.mean()), _half_width(values))
    return found


def against(rival: str, benchmark: str, rows: Sequence[Mapping[str, Any]], best: float) -> list[Test]:
    """Compare every other sampler with a rival on the seeds that both have, where these are more than two."""
    found = []
    for checkpoint in CHECKPOINTS:
        by = {
            sampler: _at([row for row in rows if row["sampler"] == sampler], checkpoint)
            for sampler in dict.fromkeys(row["sampler"] for row in rows)
        }
        for sampler, mine in by.items():
            seeds = sorted(mine.keys() & by.get(rival, {}).keys())
            if sampler != rival and len(seeds) > 2:
                apart = np.array([mine[seed] - by[rival][seed] for seed in seeds]) / best
                p = stats.ttest_1samp(apart, 0.0).pvalue if np.ptp(apart) else 1.0
                found.append(Test(benchmark, sampler, checkpoint, float(apart.mean()), float(p)))
    return found


def holm(values: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm 1979)."""
    order = np.argsort(values)
    steps = np.asarray(values)[order] * np.arange(len(values), 0, -1)
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(values) else steps
    return corrected.tolist()


def _at(rows: Sequence[Mapping[str, Any]], checkpoint: int) -> dict[int, float]:
    """Return the hypervolume by seed after so many trials, of the shortest searches that have them."""
    trials = SHORT if checkpoint <= SHORT else LONG
    return {
        row["seed"]: row["growth"][checkpoint - 1]
        for row in rows
        if row["trials"] == trials and len(row["growth"]) >= checkpoint
    }


def _to_goal(curve: NDArray[np.float64]) -> float:
    return int(np.argmax(curve >= _GOAL)) + 1 if curve[-1] >= _GOAL else np.inf


def _half_width(values: NDArray[np.float64]) -> float:
    if len(values) < 2:
        return float("nan")
    return float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
