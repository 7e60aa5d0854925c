"""One search and selection in a world with known truth, by the product's own functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autopeft.samplers import pareto_front
from autopeft.selection.contenders import MOST_CANDIDATES, spread
from autopeft.selection.racing import Entry, standing
from autopeft.selection.statistics import estimate
from autopeft.selection.verdict import MARGIN, Compared
from autopeft.space import Configuration
from studies.arena.benchmarks import Answer, Answers, Benchmark
from studies.arena.replay import replay
from studies.finalists.world import World

__all__ = [
    "Pool",
    "Selection",
    "candidates_at_random",
    "candidates_of_sampler",
    "judge",
    "pick_loss",
    "pool_of",
    "race",
]

#: Trials of a search, baselines included.
_TRIALS = 24

#: Trainings done at once.
_AT_ONCE = 2


@dataclass(frozen=True)
class Pool:
    """Everyone who starts in a race, with more trainings than it may ask for.

    Args:
        indices: Who it is, as indices of the world.
        roles: Their roles.
        costs: Their costs.
        trained: Right or wrong by split, `[seeds, examples]`, of each.
        fixed: Whom seeds do not change.
        truth: What infinitely many seeds would reach on the same validation examples, of each.
    """

    indices: tuple[int, ...]
    roles: tuple[str, ...]
    costs: NDArray[np.float64]
    trained: tuple[dict[str, NDArray[np.float64]], ...]
    fixed: tuple[bool, ...]
    truth: NDArray[np.float64]

    def entries(self, seeds: Sequence[int]) -> list[Entry]:
        """Return the entries of a race in which each has so many seeds."""
        return [
            Entry(role, (cost,), list(trained["validation"][:count]), role in ("head", "stock-lora"), fixed)
            for role, cost, trained, count, fixed in zip(
                self.roles, self.costs, self.trained, seeds, self.fixed, strict=True
            )
        ]


@dataclass(frozen=True)
class Selection:
    """What a selection said, and whether it was true.

    Args:
        single: For each finalist whether the interval of its accuracy holds the truth.
        together: Whether the intervals of all differences to stock LoRA do.
        best: Whether that of the best on validation does; None where stock LoRA is the best.
        wrong: Whether something is called better that is not.
        right: Whether something is called better that is.
        wrong_as_good: Whether something is called as good within the margin that is not.
        right_as_good: Whether something that the search found is called so for less, and is.
        chances: Stated probability of being better, and whether it is, of each finalist.
    """

    single: tuple[bool, ...]
    together: bool
    best: bool | None
    wrong: bool
    right: bool
    wrong_as_good: bool
    right_as_good: bool
    chances: tuple[tuple[float, bool], ...]


def candidates_at_random(world: World, seed: int) -> list[int]:
    """Search at random: train configurations with one seed each; return the candidates of their front."""
    others = [index for index in range(len(world.costs)) if index not in (*world.stock, world.head)]
    rng = np.random.default_rng((seed, 1))  # not the stream that the world draws by
    drawn = [*rng.choice(others, min(_TRIALS - 2, len(others)), replace=False), world.head, world.stock[0]]
    return _candidates(world, {int(index): _one_seed(world, int(index)) for index in drawn})


def candidates_of_sampler(world: World, seed: int, *, benchmark: Benchmark, texts: Sequence[str]) -> list[int]:
    """Search with our sampler, each configuration with one seed; return the candidates of the front.

    Args:
        world: Where it searches.
        seed: Seed of the sampler.
        benchmark: A search to replay on the configurations of the world.
        texts: Those configurations as text, `[n]`.
    """
    drawn = _Drawn(world, benchmark.answers, texts)
    replay(replace(benchmark, answers=drawn), "pareto", _TRIALS, seed)
    return _candidates(world, drawn.told)


class _Drawn:
    """Answers proposals as a benchmark does, with an accuracy drawn in a world."""

    def __init__(self, world: World, answers: Answers, texts: Sequence[str]) -> None:
        self._world = world
        self._answers = answers
        self._index = {text: index for index, text in enumerate(texts)}
        self.told: dict[int, float] = {}

    def __call__(self, configuration: Configuration, used: set[str], rng: np.random.Generator) -> Answer:
        answer = self._answers(configuration, used, rng)
        index = self._index[answer.configuration.text]
        self.told[index] = _one_seed(self._world, index)
        return replace(answer, told=self.told[index])


def _one_seed(world: World, index: int) -> float:
    return float(world.train(index, 1)["validation"].mean())


def _candidates(world: World, told: Mapping[int, float]) -> list[int]:
    """Return the candidates of the front of what was searched, without the baselines."""
    indices = list(told)
    front = [indices[place] for place in pareto_front([world.costs[index] for index in indices], list(told.values()))]
    return spread([index for index in front if index not in (*world.stock, world.head)], MOST_CANDIDATES)


def pool_of(world: World, candidates: Sequence[int], seeds: int) -> Pool:
    """Train everyone who starts in a race."""
    indices = (*candidates, world.head, *world.stock)
    return Pool(
        indices,
        (*map(str, candidates), "head", *("stock-lora" for _ in world.stock)),
        world.costs[list(indices)],
        tuple(world.train(index, seeds) for index in indices),
        tuple(world.untrained and index == world.head for index in indices),
        np.array([world.on_validation(index) for index in indices]),
    )


def race(pool: Pool, most: int) -> tuple[list[int], list[int]]:
    """Race; return the finalists' places in the pool, and how many seeds each entry got."""
    seeds = [0] * len(pool.indices)
    while True:
        entries = pool.entries(seeds)
        stands = standing(entries, most=most, at_once=_AT_ONCE)
        if not stands.next:
            return stands.finalists(entries), seeds
        for place in stands.next:
            seeds[place] += 1


def judge(world: World, pool: Pool, finalists: Sequence[int], seeds: Sequence[int]) -> Selection:
    """Measure finalists on test and hold what is said of them against the truth."""
    scores = [pool.trained[place]["test"][: seeds[place]] for place in finalists]
    test = estimate(scores, [i for i, place in enumerate(finalists) if pool.fixed[place]])
    truth = world.accuracies[[pool.indices[place] for place in finalists]]
    reached = [pool.trained[place]["validation"][: seeds[place]].mean() for place in finalists]
    stock = next(i for i, place in enumerate(finalists) if pool.roles[place] == "stock-lora")
    others = [i for i in range(len(finalists)) if i != stock]
    stock_cost = pool.costs[finalists[stock]]
    differences = {i: test.difference(i, stock, among=len(others)) for i in others}
    gains = {i: float(truth[i] - truth[stock]) for i in others}
    covered = {i: abs(differences[i].mean - gains[i]) <= differences[i].margin for i in others}
    called = [i for i in others if Compared("", differences[i], 1.0).better]
    as_good = [i for i in others if Compared("", differences[i], 1.0).as_good(MARGIN)]
    cheaper = [i for i in as_good if pool.roles[finalists[i]] != "head" and pool.costs[finalists[i]] < stock_cost]
    best = int(np.argmax(reached))
    return Selection(
        tuple(bool(abs(test.means[i] - truth[i]) <= test.margin(i)) for i in range(len(finalists))),
        all(covered.values()),
        covered.get(best),
        any(gains[i] <= 0 for i in called),
        any(gains[i] > 0 for i in called),
        any(gains[i] <= -MARGIN for i in as_good),
        any(gains[i] > -MARGIN for i in cheaper),
        tuple((differences[i].probability, gains[i] > 0) for i in others),
    )


def pick_loss(pool: Pool, means: NDArray[np.float64]) -> float:
    """Return what picks lose against the best on the same examples: for each cost as a budget, and on average.

    Args:
        pool: Everyone.
        means: What they are picked by; minus infinity for whoever was left out.
    """
    lost = []
    for budget in np.unique(pool.costs):
        within = np.flatnonzero(pool.costs <= budget)
        lost.append(pool.truth[within].max() - pool.truth[within[means[within].argmax()]])
    return float(np.mean(lost))
