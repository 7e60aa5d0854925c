"""A real search of 48 trials per arm on TREC, which the sampler was not tuned on, and how soon each found its front.

    python -m studies.trec.live run pareto tpe random plain    # an hour on 2 free cores, alone
    python -m studies.trec.live show                           # prints the table, draws the fronts

The first three arms are `autopeft search` with that sampler, each a process of its own with nothing cached from before;
`plain` is `tests/benchmarks/plain.py`, the script a careful user would write.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from matplotlib.figure import Figure

from autopeft.launch import SearchPlan, prepare
from autopeft.reporting import read_run
from autopeft.samplers import hypervolume, pareto_front

ARMS = ("pareto", "tpe", "random", "plain")
HERE = Path(__file__).parent
MEASURED = HERE / "measured.jsonl"

_DATA = str(Path(__file__).parents[2].parent / "shared" / "data" / "trec6" / "train.csv")
_SETTINGS = {"data": _DATA, "text": "text", "label": "label", "budget": "1%", "examples": 1500}
_TRIALS = 48

#: The share of the best hypervolume that is timed.
_GOAL = 0.95

_COLOURS = dict(zip(ARMS, ("#d1622b", "#1f5fa8", "#9a9fa6", "#c2a12b"), strict=True))

#: Marks of the axis of seconds.
_TICKS = (30, 100, 300, 1000, 3000)

#: What came of an arm's trials that finished: seconds since the arm began, cost, accuracy.
Trials = Sequence[tuple[float, int, float]]


def run(arm: str, seed: int) -> dict[str, Any]:
    """Run an arm; return what came of it.

    Args:
        arm: One of `ARMS`.
        seed: Seed of sampler and trials.
    """
    with tempfile.TemporaryDirectory() as scratch:
        began = time.time()
        found = _plain(began, seed) if arm == "plain" else _autopeft(arm, began, seed, Path(scratch))
        return {"arm": arm, "seed": seed, "seconds": round(time.time() - began), **found}


def _autopeft(sampler: str, began: float, seed: int, scratch: Path) -> dict[str, Any]:
    folder = scratch / "run"
    given = _SETTINGS | {"sampler": sampler, "seed": seed, "trials": _TRIALS, "out": folder}
    command = [sys.executable, "-m", "autopeft.cli", "search", "--no-select"]
    command += [f"--{name}={value}" for name, value in given.items()]
    cache = {"AUTOPEFT_CACHE": str(scratch / "cache")}
    subprocess.run(command, check=True, env=os.environ | cache)
    run = read_run(folder)
    scale = run.result.scale
    [reference] = [trial.accuracy for trial in run.trials if trial.baseline == "head-only"]
    trials = [
        (round(_seconds(trial.ended, began), 1), trial.params, trial.accuracy)
        for trial in sorted(run.trials, key=lambda trial: trial.ended)
        if trial.accuracy is not None
    ]
    return {"limit": scale.limit, "cheapest": scale.cheapest, "reference": reference, "trials": trials}


def _plain(began: float, seed: int) -> dict[str, Any]:
    from tests.benchmarks.plain import search

    trials: list[tuple[float, int, float]] = []

    def note(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        cost, accuracy = trial.values
        trials.append((round(time.time() - began, 1), int(cost), accuracy))

    search(prepare(SearchPlan.of({**_SETTINGS, "precision": "fp32"})), _TRIALS, seed, after=note)
    return {"trials": trials}


def _seconds(moment: datetime, began: float) -> float:
    return moment.timestamp() - began


def show(rows: Sequence[Mapping[str, Any]], figure: Path) -> None:
    """Print what each arm found and when; draw the fronts of the first seed.

    Every arm is scored from the same reference point, that of our sampler's search, as a share of what all arms
    found together, and timed to 95 % of that and, where `plain` is among them, to where it ended.

    Args:
        rows: What `run` returned.
        figure: PNG file to write.
    """
    for seed in sorted({row["seed"] for row in rows}):
        arms = {row["arm"]: row for row in rows if row["seed"] == seed}
        scale = {key: arms["pareto"][key] for key in ("limit", "reference", "cheapest")}
        best = _score([trial for row in arms.values() for trial in row["trials"]], scale)
        print(f"seed {seed}: limit {scale['limit']:,}, reference {scale['reference']:.4f}, best {best:.4f}\n")
        goals = {"seconds to 95 %": _GOAL}
        if "plain" in arms:
            goals["to plain's end"] = _score(arms["plain"]["trials"], scale) / best
        head = ("arm", "whole trials", "seconds", "share", *goals, "best accuracy", "at", "over budget")
        lines = [_line(arm, arms[arm], scale, best, goals.values()) for arm in ARMS if arm in arms]
        for cells in (head, ["---"] * len(head), *lines):
            print("| " + " | ".join(map(str, cells)) + " |")
        if seed == 0:
            _draw(arms, scale, figure)


def _line(
    arm: str, row: Mapping[str, Any], scale: Mapping[str, float], best: float, goals: Iterable[float]
) -> Sequence[Any]:
    trials = row["trials"]
    shares = [_score(trials[: count + 1], scale) / best for count in range(len(trials))]
    reached = [
        next((f"{trials[at][0]:.0f}" for at, share in enumerate(shares) if share >= goal), "never") for goal in goals
    ]
    fair = [(accuracy, -cost) for _, cost, accuracy in trials if cost <= scale["limit"]]
    accuracy, cost = max(fair)
    ended = (arm, len(trials), row["seconds"], f"{shares[-1]:.3f}", *reached)
    return (*ended, f"{accuracy:.3f}", f"{-cost:,}", len(trials) - len(fair))


def _score(trials: Trials, scale: Mapping[str, Any]) -> float:
    return hypervolume([cost for _, cost, _ in trials], [accuracy for *_, accuracy in trials], **scale)


def _draw(arms: Mapping[str, Mapping[str, Any]], scale: Mapping[str, float], path: Path) -> None:
    figure = Figure(figsize=(9, 3.6), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2)
    for arm, row in arms.items():
        costs = [max(cost, scale["cheapest"]) for _, cost, _ in row["trials"]]
        accuracies = [accuracy for *_, accuracy in row["trials"]]
        front = [at for at in pareto_front(costs, accuracies) if costs[at] <= scale["limit"]]
        left.scatter(costs, accuracies, s=8, alpha=0.4, color=_COLOURS[arm])
        left.step(
            [*(costs[at] for at in front), scale["limit"]],
            [*(accuracies[at] for at in front), accuracies[front[-1]]],
            where="post",
            color=_COLOURS[arm],
            label=arm,
        )
        growth = [_score(row["trials"][: count + 1], scale) for count in range(len(costs))]
        right.step([at for at, *_ in row["trials"]], growth, where="post", color=_COLOURS[arm], label=arm)
    low = float(np.quantile([accuracy for row in arms.values() for *_, accuracy in row["trials"]], 0.1))
    left.set(xlabel="trainable parameters", ylabel="validation accuracy", xscale="log", ylim=(low, None))
    left.set_xlim(None, scale["limit"] * 1.1)
    right.set(xlabel="seconds since the start", ylabel="hypervolume", xscale="log")
    right.set_xticks(_TICKS, labels=map(str, _TICKS))
    right.minorticks_off()
    for axes in (left, right):
        axes.grid(True, color="#e6e6e6", lw=0.6)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(path)


def main() -> None:
    """Run arms, or show what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "show"))
    parser.add_argument("arms", nargs="*", help=f"some of {', '.join(ARMS)}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--file", type=Path, default=MEASURED)
    given = parser.parse_args()
    if given.what == "show":
        rows = [json.loads(line) for line in given.file.read_text(encoding="utf8").splitlines()]
        show(rows, given.file.with_name("fronts.png"))
        return
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for arm in given.arms:
        row = run(arm, given.seed)
        with given.file.open("a", encoding="utf8") as out:
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
