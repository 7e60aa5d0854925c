"""The samplers that meet, each made for a benchmark, a number of trials and a seed."""

from __future__ import annotations

import json

import numpy as np
from optuna.samplers import BaseSampler

from autopeft.samplers import EarlierTrial, make_sampler
from autopeft.space import Configuration
from studies.arena.autopeft_loop import AutoPeftLoop
from studies.arena.benchmarks import Benchmark
from studies.arena.record import TABLES, TASKS

__all__ = ["BEGUN", "CONTESTANTS", "NUTS", "SLOW", "make"]

#: Names of `autopeft --sampler`, and the loop of the AutoPEFT paper.
CONTESTANTS = ("pareto", "random", "tpe", "nsga2", "gp", "autopeft-loop")

#: Ours on our own tables, begun from an earlier search on another task; `misled`: its good runs are said to be bad.
BEGUN = ("pareto-begun", "pareto-misled")

#: The AutoPEFT loop with its processes sampled as in the paper; takes `pip install "botorch[fully_bayesian]"`.
NUTS = "autopeft-loop-nuts"

#: Those that fit Gaussian processes: fewer seeds.
SLOW = frozenset({"pareto", "gp", "autopeft-loop", *BEGUN, NUTS})

#: Trials of the earlier search.
_EARLIER = 32


def make(name: str, benchmark: Benchmark, trials: int, seed: int) -> BaseSampler:
    """Make a contestant.

    Args:
        name: One of `CONTESTANTS` or `BEGUN`, or `NUTS`.
        benchmark: What it is made for.
        trials: Trials of the whole search: the AutoPEFT loop spends half of them at random.
        seed: Seed of everything random.
    """
    given = (benchmark.space, benchmark.cost, benchmark.limit)
    if name in ("autopeft-loop", NUTS):
        return AutoPeftLoop(*given, seed=seed, random_trials=trials // 2, nuts=name == NUTS)
    if name in BEGUN:
        return make_sampler(
            "pareto", *given, seed=seed, earlier=_earlier(benchmark.name, seed, misled=name == "pareto-misled")
        )
    return make_sampler(name, *given, seed=seed)


def _earlier(name: str, seed: int, misled: bool) -> list[EarlierTrial]:
    """Draw runs of the table after the benchmark's own."""
    tasks = list(TASKS)
    other = tasks[(tasks.index(name.partition("-")[0]) + 1) % len(tasks)]
    lines = (TABLES / f"{other}.jsonl").read_text(encoding="utf8").splitlines()[1:]
    runs = [run for run in map(json.loads, lines) if run["seed"] == 0]
    drawn = [runs[at] for at in np.random.default_rng(seed).permutation(len(runs))[:_EARLIER]]
    sign = -1.0 if misled else 1.0
    return [EarlierTrial(Configuration.from_dict(run["configuration"]), sign * run["accuracy"], False) for run in drawn]
