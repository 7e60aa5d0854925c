"""Replay a search on a benchmark through Optuna's ask and tell."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from autopeft.study import ask, enqueue, tell
from studies.arena.benchmarks import Answer, Benchmark
from studies.arena.contestants import make

__all__ = ["Replay", "replay"]

#: Trials at work at once, as on two workers.
_AT_ONCE = 2


@dataclass(frozen=True)
class Replay:
    """One search.

    Args:
        growth: The hypervolume after each trial, baselines included.
        seconds: Mean time of a suggestion after the tenth trial.
    """

    growth: list[float]
    seconds: float


class _Answered(BaseSampler):
    """Puts the answer in the place of what a sampler proposes, so that the study knows what was really trained."""

    def __init__(self, inner: BaseSampler, benchmark: Benchmark, seed: int) -> None:
        self._inner = inner
        self._benchmark = benchmark
        self._seed = seed
        self.answers: dict[int, Answer] = {}
        self.seconds: list[float] = []

    def answer(self, number: int, configuration: Any) -> Answer:
        """Answer trial `number`."""
        used = {answer.configuration.text for answer in self.answers.values()}
        rng = np.random.default_rng((self._seed, number))
        self.answers[number] = self._benchmark.answers(configuration, used, rng)
        return self.answers[number]

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        began = time.perf_counter()
        params = self._inner.sample_relative(study, trial, search_space)
        self.seconds.append(time.perf_counter() - began)
        space = self._benchmark.space
        return dict(space.encode(self.answer(trial.number, space.decode(params)).configuration))

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._inner.after_trial(study, trial, state, values)


def replay(benchmark: Benchmark, name: str, trials: int, seed: int) -> Replay:
    """Run a search.

    Args:
        benchmark: What answers.
        name: The sampler, one of `CONTESTANTS`.
        trials: How many trials, baselines included.
        seed: Seed of sampler and noise.
    """
    sampler = _Answered(make(name, benchmark, trials, seed), benchmark, seed)
    study = optuna.create_study(sampler=sampler, directions=["minimize", "maximize"])
    for baseline, configuration in benchmark.baselines.items():
        enqueue(study, benchmark.space, configuration, {"baseline": baseline})
    running: deque[int] = deque()
    done: list[Answer] = []
    growth = []
    while len(done) < trials:
        while len(running) < _AT_ONCE and len(running) + len(done) < trials:
            trial = ask(study, benchmark.space)
            if trial.number not in sampler.answers:
                sampler.answer(trial.number, trial.configuration)
            running.append(trial.number)
        number = running.popleft()
        answer = sampler.answers[number]
        outcome = {"status": "complete", "accuracy": answer.told}
        tell(study, number, outcome, params=answer.cost, limit=benchmark.limit, worst=0.0)
        done.append(answer)
        growth.append(benchmark.score(done))
    return Replay(growth, float(np.mean(sampler.seconds[10:])) if len(sampler.seconds) > 10 else 0.0)
