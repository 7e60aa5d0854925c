"""One search and selection in a world with known truth, by the product's own functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autopeft.samplers import pareto_front
from autopeft.selection.contenders import MOST_CANDIDATES, spread
from autopeft.selection.power import foreseen
from autopeft.selection.racing import Entry, standing
from autopeft.selection.statistics import estimate
from autopeft.selection.verdict import MARGIN
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
            Entry((cost,), list(trained["validation"][:count]), not role.isdecimal(), fixed, role == "head")
            for role, cost, trained, count, fixed in zip(
                self.roles, self.costs, self.trained, seeds, self.fixed, strict=True
            )
        ]


@dataclass(frozen=True)
class Selection:
    """What a selection said, and whether it was true.

    Args:
        single: For each finalist whether the interval of its accuracy holds the truth.
        together: Whether the intervals of all differences to references do.
        best: Whether that of the best on validation to the best reference there does; None where that is the best.
        wrong: Whether something is called better than a reference that is not.
        right: Whether something that the search found is called better than the best reference, and is.
        wrong_as_good: Whether something is called as good as a reference within the margin that is not.
        right_as_good: Whether something that the search found is called as good as the best reference for less than the
            cheapest that is as good, and is.
        widths: Half the widths of the intervals of what the search found to the best reference.
        foreseen: What validation foresaw of each of these, as a multiple of what it was.
        chances: Stated probability of being better, and whether it is, of each finalist and reference.
    """

    single: tuple[bool, ...]
    together: bool
    best: bool | None
    wrong: bool
    right: bool
    wrong_as_good: bool
    right_as_good: bool
    widths: tuple[float, ...]
    foreseen: tuple[float, ...]
    chances: tuple[tuple[float, bool], ...]


def candidates_at_random(world: World, seed: int) -> list[int]:
    """Search at random: train configurations with one seed each; return the candidates of their front."""
    baselines = _baselines(world)
    others = [index for index in range(len(world.costs)) if index not in baselines]
    rng = np.random.default_rng((seed, 1))  # not the stream that the world draws by
    first = [world.head, *(rates[0] for rates in world.references.values())]
    drawn = [*rng.choice(others, min(_TRIALS - len(first), len(others)), replace=False), *first]
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
    baselines = _baselines(world)
    return spread([index for index in front if index not in baselines], MOST_CANDIDATES)


def _baselines(world: World) -> set[int]:
    """Return all that searches are compared with."""
    return {world.head, *(index for rates in world.references.values() for index in rates)}


def pool_of(world: World, candidates: Sequence[int], seeds: int) -> Pool:
    """Train everyone who starts in a race, references at the rate that a look at each says is the best."""
    chosen = [max(rates, key=lambda index: _one_seed(world, index)) for rates in world.references.values()]
    indices = (*candidates, world.head, *chosen)
    return Pool(
        indices,
        (*map(str, candidates), "head", *world.references),
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
            return list(stands.live), seeds
        for place in stands.next:
            seeds[place] += 1


def judge(world: World, pool: Pool, finalists: Sequence[int], seeds: Sequence[int]) -> Selection:
    """Measure finalists on test and hold what is said of them against the truth."""
    scores = [pool.trained[place]["test"][: seeds[place]] for place in finalists]
    fixed = [i for i, place in enumerate(finalists) if pool.fixed[place]]
    head = next((i for i, place in enumerate(finalists) if pool.roles[place] == "head"), None)
    test = estimate(scores, fixed, head)
    validation = estimate([pool.trained[place]["validation"][: seeds[place]] for place in finalists], fixed, head)
    truth = world.accuracies[[pool.indices[place] for place in finalists]]
    reached = [pool.trained[place]["validation"][: seeds[place]].mean() for place in finalists]
    roles = [pool.roles[place] for place in finalists]
    costs = pool.costs[list(finalists)]
    references = [i for i, role in enumerate(roles) if role in world.references]
    searched = [i for i, role in enumerate(roles) if role.isdecimal()]
    beside = [i for i, role in enumerate(roles) if role in world.references or role == "head"]
    pairs = [(i, j) for i in range(len(finalists)) for j in beside if i != j]
    differences, before = test.differences(pairs), foreseen(validation, pairs, test.count)
    gains = {(i, j): float(truth[i] - truth[j]) for i, j in pairs}
    covered = {pair: abs(each.mean - gains[pair]) <= each.margin for pair, each in differences.items()}
    called = [pair for pair, each in differences.items() if each.above(0)]
    as_good = [pair for pair, each in differences.items() if each.above(-MARGIN)]
    first = max(references, key=lambda j: reached[j])
    least = min(costs[j] for j in references if j == first or (j, first) in as_good)
    best = int(np.argmax(reached))
    return Selection(
        tuple(bool(abs(test.means[i] - truth[i]) <= test.margin(i)) for i in range(len(finalists))),
        all(covered.values()),
        covered.get((best, first)),
        any(gains[pair] <= 0 for pair in called),
        any(gains[i, first] > 0 for i in searched if (i, first) in called),
        any(gains[pair] <= -MARGIN for pair in as_good),
        any(gains[i, first] > -MARGIN for i in searched if (i, first) in as_good and costs[i] < least),
        tuple(differences[i, first].margin for i in searched),
        tuple(before[i, first].margin / differences[i, first].margin for i in searched),
        tuple((each.probability, gains[pair] > 0) for pair, each in differences.items()),
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
