"""Print what the trainings say: the best learning rate at each length, the rule through these, and what it is worth.

python -m studies.lengths.show
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studies.lengths.measure import DATA, HERE, likely, read, wanted

__all__ = ["best_power", "exponent", "main", "reached"]

#: What the rule is not fitted to, but held against.
_HELD_OUT = "trec"


def main(folder: Path = HERE) -> None:
    """Print the tables of the tasks that have been trained."""
    found = {task: rows for task in DATA if (rows := _complete(read(task, folder)))}
    print("| task | length | steps | learning rate, as a multiple of stock LoRA's in trials: accuracy | best |")
    print("| --- | --- | --- | --- | --- |")
    for task, rows in found.items():
        for length in sorted({row["length"] for row in rows}):
            means = reached(rows, length)
            cells = ", ".join(f"{2.0**power:g}: {accuracy:.4f}" for power, accuracy in means.items())
            steps = next(row["steps"] for row in rows if row["length"] == length)
            print(f"| {task} | {length} | {steps} | {cells} | {2 ** best_power(means):.2g} |")
    fitted = [rows for task, rows in found.items() if task != _HELD_OUT]
    if fitted:
        slope, error = exponent(fitted)
        print(f"\nthe best rate goes with the steps to the power of {slope:.2f} ± {1.96 * error:.2f}")
        for task, rows in found.items():
            print(f"{task}: {_worth(rows, slope)}")


def _complete(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the trainings of the lengths at which the best rate is known."""
    known: list[Mapping[str, Any]] = []
    for length in sorted({row["length"] for row in rows}):
        mine = [row for row in rows if row["length"] == length]
        if not wanted(mine, likely(known)):
            known += mine
    return known


def reached(rows: Sequence[Mapping[str, Any]], length: int) -> dict[int, float]:
    """Return the mean accuracy by power of 2 of the learning rate at one length."""
    by_power: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        if row["length"] == length:
            by_power[row["power"]].append(row["accuracy"])
    return {power: float(np.mean(by_power[power])) for power in sorted(by_power)}


def best_power(means: Mapping[int, float]) -> float:
    """Return the power of the best rate: the top of a parabola through it and its neighbours, where it has two."""
    best = max(means, key=lambda power: means[power])
    around = [best - 1, best, best + 1]
    if any(power not in means for power in around):
        return float(best)
    curve = np.polyfit(around, [means[power] for power in around], 2)
    return float(np.clip(-curve[1] / curve[0] / 2, best - 0.5, best + 0.5)) if curve[0] < 0 else float(best)


def exponent(found: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[float, float]:
    """Return how the logarithm of the best rate moves with that of the length, each task with a level of its own.

    Args:
        found: The trainings of each task.

    Returns:
        The slope and its standard error.
    """
    x, y = [], []
    for rows in found:
        lengths = sorted({row["length"] for row in rows})
        best = np.array([best_power(reached(rows, length)) for length in lengths])
        logs = np.log2(lengths)
        x += (logs - logs.mean()).tolist()
        y += (best - best.mean()).tolist()
    slope = float(np.dot(x, y) / np.dot(x, x)) if np.any(x) else 0.0
    rest = np.array(y) - slope * np.array(x)
    freedom = max(len(x) - len(found) - 1, 1)
    return slope, float(np.sqrt(np.dot(rest, rest) / freedom / max(np.dot(x, x), 1e-9)))


def _worth(rows: Sequence[Mapping[str, Any]], slope: float) -> str:
    """Say what handing on the best rate of trials loses at the longest length, unchanged and by the rule."""
    longest, shortest = max(row["length"] for row in rows), min(row["length"] for row in rows)
    means = reached(rows, longest)
    powers = np.array([*means])
    kept = best_power(reached(rows, shortest))
    moved = kept + slope * np.log2(longest / shortest)
    lost = [100 * (max(means.values()) - np.interp(power, powers, [*means.values()])) for power in (kept, moved)]
    handed_on = f"{lost[0]:.2f} points unchanged, {lost[1]:.2f} by the rule"
    return f"at {longest} times the steps the rate of trials loses {handed_on}"


if __name__ == "__main__":
    main()
