"""The samplers that meet, each made for a benchmark, a number of trials and a seed."""

from __future__ import annotations

from optuna.samplers import BaseSampler

from autopeft.samplers import make_sampler
from studies.arena.autopeft_loop import AutoPeftLoop
from studies.arena.benchmarks import Benchmark

__all__ = ["CONTESTANTS", "SLOW", "make"]

#: Names of `autopeft --sampler`, and the loop of the AutoPEFT paper.
CONTESTANTS = ("pareto", "random", "tpe", "nsga2", "gp", "autopeft-loop")

#: Those that fit Gaussian processes: fewer seeds.
SLOW = frozenset({"pareto", "gp", "autopeft-loop"})


def make(name: str, benchmark: Benchmark, trials: int, seed: int) -> BaseSampler:
    """Make a contestant.

    Args:
        name: One of `CONTESTANTS`.
        benchmark: What it is made for.
        trials: Trials of the whole search: the AutoPEFT loop spends half of them at random.
        seed: Seed of everything random.
    """
    if name == "autopeft-loop":
        return AutoPeftLoop(benchmark.space, benchmark.cost, benchmark.limit, seed=seed, random_trials=trials // 2)
    return make_sampler(name, benchmark.space, benchmark.cost, benchmark.limit, seed=seed)
