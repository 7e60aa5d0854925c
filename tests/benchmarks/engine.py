"""Trials per hour and accuracy, ours and the plain way, on the same random configurations of the default space.

`python -m tests.benchmarks.engine run ours|stopping|plain --seed 0` measures one arm and appends to a JSONL file;
`python -m tests.benchmarks.engine show` prints the comparison of what was measured. With `--workers` other than 2 the
row tells how throughput scales. Times are those of seed 0, which must run alone; other seeds serve to compare accuracy.
"""

import argparse
import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from scipy import stats

from autopeft.launch import Desk, Preparation, SearchPlan, prepare
from autopeft.launch.tune import run_with_tune
from autopeft.methods import HEAD_ONLY
from autopeft.samplers import make_sampler
from autopeft.study import SCALE, enqueue, open_study
from tests.benchmarks.plain import search

COUNT = 24
WORKERS = 2
ARMS = ("ours", "stopping", "plain")
DEFAULT = Path(__file__).parents[2] / "studies" / "engine" / "measured.jsonl"


def draws(job: Preparation) -> list[dict[str, Any]]:
    """Draw parameters uniformly from the space, within the budget, by seed 0."""
    rng = np.random.default_rng(0)
    found: list[dict[str, Any]] = []
    while len(found) < COUNT:
        params = job.space.sample(rng)
        if job.costs.params(job.space.decode(params)) <= job.scale.limit:
            found.append(params)
    return found


def run_ours(
    job: Preparation, given: list[dict[str, Any]], workers: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run the given configurations in Ray workers; return the outcome of each, and of the baselines.

    With early stopping the baselines come first, as in every search: nothing is stopped without them.
    """
    with tempfile.TemporaryDirectory() as folder:
        sampler = make_sampler("random", job.space, job.costs.price, job.scale.limit, seed=0)
        study = open_study(Path(folder), job.spec, sampler, name="engine", storage=None, fresh=False)
        study.set_user_attr(SCALE, asdict(job.scale))
        if job.setting.early_stopping:
            enqueue(study, job.space, HEAD_ONLY, {"baseline": "head-only"})
            enqueue(study, job.space, job.stock, {"baseline": "stock-lora"})
        for place, params in enumerate(given):
            enqueue(study, job.space, job.space.decode(params), {"place": place})
        desk = Desk(study, job.space, job.costs.params, job.scale, len(study.trials), 0.0)
        run_with_tune(desk, job.job, workers=workers, gpus=0, address=None, deadline=None)
        ordered = sorted(study.trials, key=lambda trial: trial.user_attrs.get("place", -1))
        outcomes = [trial.user_attrs["outcome"] for trial in ordered]
        first = len(outcomes) - len(given)
        return outcomes[first:], outcomes[:first]


def run_plain(job: Preparation, given: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Run the given configurations the plain way; return the accuracy of each."""
    study = search(job, len(given), seed, given)
    return [{"status": "complete", "accuracy": trial.values[1]} for trial in study.trials]


def run(arm: str, seed: int, workers: int, file: Path) -> None:
    """Measure one arm with one seed, loading of weights and data included."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    settings = {"precision": "fp32"} if arm == "plain" else {"early_stopping": arm == "stopping"}
    job = prepare(SearchPlan.of(settings | {"seed": seed}))
    given = draws(job)
    began = time.perf_counter()
    outcomes, baselines = (run_plain(job, given, seed), []) if arm == "plain" else run_ours(job, given, workers)
    row = {
        "arm": arm,
        "seed": seed,
        "workers": workers,
        "seconds": time.perf_counter() - began,
        "outcomes": outcomes,
        "baselines": baselines,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf8") as out:
        out.write(json.dumps(row) + "\n")


def show(file: Path) -> None:
    """Print trials per hour, as ratios to the plain way, and the paired difference of accuracies."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf8").splitlines()]
    by = {(row["arm"], row["seed"]): row for row in rows if row["workers"] == WORKERS}
    for arm in ARMS:
        seconds = by[arm, 0]["seconds"]
        print(
            f"{arm:<9} {seconds:6.0f} s for {COUNT} trials, {COUNT * 3600 / seconds:5.0f} trials an hour, "
            f"{by['plain', 0]['seconds'] / seconds:.2f}x"
        )
    for row in rows:
        if row["arm"] != "plain" and row["seed"] == 0:
            print(where_time_goes(row))
    seeds = sorted({seed for arm, seed in by if arm == "ours"} & {seed for arm, seed in by if arm == "plain"})
    accuracy = {
        arm: np.array([[outcome["accuracy"] for outcome in by[arm, seed]["outcomes"]] for seed in seeds])
        for arm in ("ours", "plain")
    }
    difference = (accuracy["ours"] - accuracy["plain"]).mean(axis=0)
    noise = np.sqrt(np.mean([each.var(axis=0, ddof=1).mean() for each in accuracy.values()])) if len(seeds) > 1 else 0.0
    test = stats.ttest_1samp(difference, 0.0)
    low, high = test.confidence_interval(0.95)
    print(
        f"accuracy, ours minus plain, {COUNT} configurations x {len(seeds)} seeds: {difference.mean():+.4f} "
        f"(95 % interval {low:+.4f} to {high:+.4f}, p = {test.pvalue:.2f}); spread between seeds {noise:.4f}"
    )


def where_time_goes(row: dict[str, Any]) -> str:
    """Say what the workers of a measured arm did, in seconds of one worker."""

    def total(outcomes: list[dict[str, Any]], key: str, status: str | None = None) -> float:
        return float(sum(each[key] for each in outcomes if status in (None, each["status"])))

    outcomes, baselines, workers = row["outcomes"], row["baselines"], row["workers"]
    inside = total(outcomes, "seconds") + total(baselines, "seconds")
    return (
        f"{row['arm']}, {workers} workers: {COUNT * 3600 / row['seconds']:.0f} trials an hour; {row['seconds']:.0f} s "
        f"x {workers} = {total(outcomes, 'busy', 'complete'):.0f} s in steps and validation of whole trials + "
        f"{total(outcomes, 'busy', 'stopped'):.0f} of stopped ones + {total(baselines, 'busy'):.0f} of baselines + "
        f"{inside - total(outcomes + baselines, 'busy'):.0f} in the rest of trials + "
        f"{workers * row['seconds'] - inside:.0f} outside trials"
    )


def main() -> None:
    """Measure an arm or show what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("run", "show"))
    parser.add_argument("arm", choices=ARMS, nargs="?")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--file", type=Path, default=DEFAULT)
    given = parser.parse_args()
    if given.what == "show":
        show(given.file)
    elif given.arm is None:
        parser.error("run needs an arm")
    else:
        run(given.arm, given.seed, given.workers, given.file)


if __name__ == "__main__":
    main()
