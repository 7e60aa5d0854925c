"""The samplers that meet, each made for a benchmark, a number of trials and a seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from autopeft.backbones import load_backbone
from autopeft.methods import STOCK_LEARNING_RATE
from autopeft.methods.portfolio import Entry, portfolio
from autopeft.samplers import EarlierTrial, make_sampler
from autopeft.space import Configuration
from studies.arena.autopeft_loop import AutoPeftLoop
from studies.arena.benchmarks import Benchmark
from studies.arena.ladders import LADDERS
from studies.arena.record import TABLES, TASKS
from studies.portfolio.learn import learn, read, relative

__all__ = ["BEGUN", "CONTESTANTS", "FILLING", "NUTS", "SLOW", "STEP", "make", "prepared"]

#: Names of `autopeft --sampler`, and the loop of the AutoPEFT paper.
CONTESTANTS = ("pareto", "random", "tpe", "nsga2", "gp", "autopeft-loop")

#: Ours on our own tables, begun from an earlier search on another task; `misled`: its good runs are said to be bad.
BEGUN = ("pareto-begun", "pareto-misled")

#: The AutoPEFT loop with its processes sampled as in the paper; takes `pip install "botorch[fully_bayesian]"`.
NUTS = "autopeft-loop-nuts"

#: Ours with learning rates as steps.
STEP = "pareto-step"

#: Ours with a space-filling start in the place of the portfolio's.
FILLING = "pareto-filling"

#: Those that fit Gaussian processes: fewer seeds.
SLOW = frozenset({"pareto", "gp", "autopeft-loop", *BEGUN, FILLING, NUTS, STEP})

#: Trials of the earlier search.
_EARLIER = 32


def prepared(name: str, benchmark: Benchmark) -> Benchmark:
    """Return a benchmark as a contestant searches it: with steps for learning rates, or no longer than a ladder."""
    if name == STEP:
        return replace(benchmark, space=benchmark.stepped)
    if name in LADDERS:
        rungs = [each for each in benchmark.ladders[name] if each not in benchmark.baselines.values()]
        return replace(benchmark, most=len(benchmark.baselines) + len(rungs), ladders={name: rungs})
    return benchmark


def make(name: str, benchmark: Benchmark, trials: int, seed: int) -> BaseSampler:
    """Make a contestant.

    Args:
        name: One of `CONTESTANTS`, `BEGUN` or `LADDERS`, or `FILLING`, `NUTS` or `STEP`.
        benchmark: What it is made for, `prepared`.
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
    if name in LADDERS:
        return _Listed(benchmark.space, benchmark.ladders[name])
    if name == FILLING:
        return make_sampler("pareto", *given, seed=seed)
    return make_sampler("pareto" if name == STEP else name, *given, seed=seed, begin_with=_experience(benchmark))


class _Listed(BaseSampler):
    """Proposes what is listed, in order; points out of the space are as near as its encoding goes."""

    def __init__(self, space: Any, listed: Sequence[Configuration]) -> None:
        self._space = space
        self._left = iter(listed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return dict(self._space.distributions())

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        # What was enqueued is not asked for.
        return {} if trial.system_attrs.get("fixed_params") else dict(self._space.encode(next(self._left)))

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        raise LookupError(f"{param_name} is not listed")


def _experience(benchmark: Benchmark) -> list[Configuration]:
    """Return the portfolio of all recorded tasks but the benchmark's own, where it is one of them."""
    task = benchmark.name.partition("-")[0]
    if task not in TASKS:
        return []
    return portfolio(benchmark.space, STOCK_LEARNING_RATE, _learnt_without(task))


@cache
def _learnt_without(task: str) -> list[Entry]:
    shape = load_backbone("minilm").shape
    chosen = learn([read(other) for other in TASKS if other != task], shape)
    return [entry for each in chosen if (entry := relative(each, shape)) is not None]


def _earlier(name: str, seed: int, misled: bool) -> list[EarlierTrial]:
    """Draw runs of the table after the benchmark's own."""
    tasks = list(TASKS)
    other = tasks[(tasks.index(name.partition("-")[0]) + 1) % len(tasks)]
    lines = (TABLES / f"{other}.jsonl").read_text(encoding="utf8").splitlines()[1:]
    runs = [run for run in map(json.loads, lines) if run["seed"] == 0]
    drawn = [runs[at] for at in np.random.default_rng(seed).permutation(len(runs))[:_EARLIER]]
    sign = -1.0 if misled else 1.0
    return [EarlierTrial(Configuration.from_dict(run["configuration"]), sign * run["accuracy"], False) for run in drawn]
