"""Replay a search on a benchmark through Optuna's ask and tell."""

from __future__ import annotations

import heapq
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from autopeft.samplers import finished_runs
from autopeft.study import ask, enqueue, tell, worth_finishing
from studies.arena.benchmarks import Answer, Benchmark
from studies.arena.contestants import make, prepared

__all__ = ["Replay", "replay"]

#: Trials at work at once, as on two workers.
_AT_ONCE = 2


@dataclass(frozen=True)
class Replay:
    """One search.

    Args:
        growth: The hypervolume of the finished trials after each trial, baselines included.
        found: Of each trial its cost, the accuracy told and the true one; None where it was stopped.
        seconds: Mean time of a suggestion after the tenth trial.
        steps: Share of the training steps that was spent, of finishing every trial.
    """

    growth: list[float]
    found: list[tuple[int, float, float] | None]
    seconds: float
    steps: float


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
    """Run a search, its trials side by side: each takes as long as its share of the steps.

    Args:
        benchmark: What answers.
        name: The sampler, one of `CONTESTANTS`.
        trials: How many trials at most, baselines included.
        seed: Seed of sampler and noise.
    """
    benchmark = prepared(name, benchmark)
    trials = min(trials, benchmark.most)
    sampler = _Answered(make(name, benchmark, trials, seed), benchmark, seed)
    study = optuna.create_study(sampler=sampler, directions=["minimize", "maximize"])
    for baseline, configuration in benchmark.baselines.items():
        enqueue(study, benchmark.space, configuration, {"baseline": baseline})
    # When each trial at work reaches its next rung; of several the one that began first.
    running: list[tuple[float, int, int]] = []
    rungs: dict[int, list[float]] = {}
    began: dict[int, float] = {}
    done: list[Answer] = []
    found: list[tuple[int, float, float] | None] = []
    growth: list[float] = []
    now = steps = 0.0
    while len(growth) < trials:
        while len(running) < _AT_ONCE and len(running) + len(growth) < trials:
            trial = ask(study, benchmark.space)
            if trial.number not in sampler.answers:
                sampler.answer(trial.number, trial.configuration)
            stoppable = benchmark.stopping and trial.baseline is None
            rungs[trial.number] = _rungs(sampler.answers[trial.number]) if stoppable else [1.0]
            began[trial.number] = now
            heapq.heappush(running, (now + rungs[trial.number][0], trial.number, 0))
        now, number, rung = heapq.heappop(running)
        answer, shares = sampler.answers[number], rungs[number]
        if rung == len(shares) - 1:
            outcome = {"status": "complete", "accuracy": answer.told, "curve": answer.curve}
            done.append(answer)
            found.append((answer.cost, answer.told, answer.true))
        elif not _out_of_reach(study, benchmark, answer, rung):
            heapq.heappush(running, (began[number] + shares[rung + 1], number, rung + 1))
            continue
        else:
            outcome = {"status": "stopped", "curve": answer.curve[: rung + 1]}
            found.append(None)
        tell(study, number, outcome, params=answer.cost, limit=benchmark.limit, worst=0.0)
        steps += shares[rung]
        growth.append(benchmark.score(done))
    seconds = float(np.mean(sampler.seconds[10:])) if len(sampler.seconds) > 10 else 0.0
    return Replay(growth, found, seconds, steps / trials)


def _rungs(answer: Answer) -> list[float]:
    """Return the shares of its steps at which a run was measured, the end last."""
    return [point["step"] / answer.curve[-1]["step"] for point in answer.curve]


def _out_of_reach(study: Study, benchmark: Benchmark, answer: Answer, rung: int) -> bool:
    """Ask the rule of the search itself, which reads from a study what a benchmark says."""
    stopped = len(study.get_trials(deepcopy=False, states=(TrialState.PRUNED,)))
    return not worth_finishing(
        finished_runs(study.get_trials(deepcopy=False)),
        stopped,
        answer.cost,
        answer.curve[: rung + 1],
        limit=benchmark.limit,
        reference=benchmark.reference,
        cheapest=benchmark.cheapest,
    )
