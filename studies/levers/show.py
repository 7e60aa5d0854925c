"""Print what data levers were worth: `python -m studies.levers.show`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from autopeft.selection.statistics import CONFIDENCE, Difference, estimate
from studies.levers.measure import LEVERS, SEARCHES, TASKS, file_of

__all__ = ["difference_of", "read", "said", "scores_of"]


def main() -> None:
    """Print a table of levers and one of searches for each task that has been measured."""
    for task in TASKS:
        rows = {name: row for name in (*LEVERS, *SEARCHES) if (row := read(task, name)) is not None}
        levers = [name for name in LEVERS if name in rows]
        if "none" in levers:
            _print_levers(task, {name: rows[name] for name in levers})
        seeds = [seed for seed in range(3) if {f"levers, seed {seed}", f"plain, seed {seed}"} <= rows.keys()]
        if seeds:
            _print_searches(task, rows, seeds)


def read(task: str, name: str) -> dict[str, Any] | None:
    """Return what was measured of a piece; None where it is missing."""
    file = file_of(task, name)
    return json.loads(file.read_text(encoding="utf8")) if file.is_file() else None


def scores_of(row: dict[str, Any]) -> NDArray[np.float64]:
    """Return whether each example of test was told right, `[seeds, examples]`."""
    bits = [np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8)) for text in row["test"]]
    return np.stack(bits)[:, : row["examples"]].astype(float)


def difference_of(levers: list[NDArray[np.float64]]) -> list[Difference]:
    """Return how much better each is than the first; the intervals hold at once, over seeds and examples."""
    found = estimate(levers).differences([(index, 0) for index in range(1, len(levers))])
    return [found[index, 0] for index in range(1, len(levers))]


def said(difference: Difference) -> str:
    """Say what a lever did, by its interval."""
    if difference.above(0):
        return "helped"
    return "hurt" if difference.mean + difference.margin < 0 else "no difference is shown"


def _print_levers(task: str, rows: dict[str, dict[str, Any]]) -> None:
    print(f"`{task}`, stock LoRA, {next(iter(rows.values()))['steps']} steps each:\n")
    print("| lever | accuracy on test | against none, points | |\n| --- | --- | --- | --- |")
    scores = {name: scores_of(row) for name, row in rows.items()}
    found = dict(zip(list(scores)[1:], difference_of(list(scores.values())), strict=True))
    for name, each in scores.items():
        against = f"{_points(found[name])} | {said(found[name])}" if name in found else " | "
        print(f"| {name} | {each.mean():.3f} | {against} |")
    print()


def _print_searches(task: str, rows: dict[str, dict[str, Any]], seeds: list[int]) -> None:
    print(f"`{task}`, picks of searches of 24 trials:\n")
    print("| seed | with levers | its levers | without | difference, points |\n| --- | --- | --- | --- | --- |")
    apart = []
    for seed in seeds:
        both = [rows[f"{how}, seed {seed}"] for how in ("levers", "plain")]
        [found] = difference_of([scores_of(both[1]), scores_of(both[0])])
        apart.append(found.mean)
        levers = json.dumps(both[0]["configuration"].get("data", {})).replace('"', "")
        reached = [f"{scores_of(each).mean():.3f}" for each in both]
        print(f"| {seed} | {reached[0]} | {levers} | {reached[1]} | {_points(found)} |")
    if len(apart) > 1:
        error = np.std(apart, ddof=1) / len(apart) ** 0.5
        margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(apart) - 1) * error)
        print(f"\nOver searches: {100 * np.mean(apart):+.1f} ± {100 * margin:.1f} points.")
    print()


def _points(difference: Difference) -> str:
    return f"{100 * difference.mean:+.1f} ± {100 * difference.margin:.1f}"


if __name__ == "__main__":
    main()
