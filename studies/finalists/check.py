"""Hold what selections say against known truth, and racing against spending seeds evenly.

python -m studies.finalists.check                      # prints the tables of README.md
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import optuna
from numpy.typing import NDArray

from autopeft.selection import MOST_SEEDS
from studies.arena.catalogue import load
from studies.finalists.simulate import (
    Pool,
    Selection,
    candidates_at_random,
    candidates_of_sampler,
    judge,
    pick_loss,
    pool_of,
    race,
)
from studies.finalists.tables import SHARED_TABLES, Table, icd10, peft, without_better
from studies.finalists.world import Noise, World

__all__ = ["confidence", "spending"]

#: A width that is foreseen within this factor is foreseen.
_NEAR = 1.3

#: What `--seeds` is in races against even spending.
_LIMITS = (MOST_SEEDS, 40)

#: What is claimed of a search, wrongly and rightly; names of fields of `Selection`.
_CLAIMS = ("wrong", "right", "wrong_as_good", "right_as_good")

#: Edges of the bands of stated probabilities.
_BANDS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def main() -> None:
    """Run both checks on every table that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=2000, help="searches a table")
    parser.add_argument("--sampled", type=int, default=20, help="searches with our sampler, on our own table")
    parser.add_argument("--races", type=int, default=500, help="races a table, against even spending")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    noise = Noise.fitted()
    tables = [icd10(), *([peft()] if SHARED_TABLES.is_dir() else [])]
    chances: list[tuple[float, bool]] = []
    claims = "wrongly better | rightly better | wrongly as good | rightly as good, for less"
    print(f"| table | one accuracy | all differences | of the best | {claims} | half a width | foreseen | seeds |")
    print(f"| {' | '.join(['---'] * 11)} |")
    for table in (*tables, *map(without_better, tables)):
        found, seeds = confidence(table, noise, given.searches, candidates_at_random)
        chances += [chance for selection in found for chance in selection.chances]
        print(_row(table.name, found, seeds), flush=True)
    own = load("icd10")
    for table in (icd10(), without_better(icd10())):
        search = partial(candidates_of_sampler, benchmark=own, texts=table.texts)
        found, seeds = confidence(table, noise, given.sampled, search)
        print(_row(f"{table.name}, our sampler", found, seeds), flush=True)
    print("\n| said to be better | how often true | cases |\n| --- | --- | --- |")
    for low, high in pairwise(_BANDS):
        true = [better for chance, better in chances if low <= chance < high or chance == high == 1]
        print(f"| {low:.0%} to {high:.0%} | {np.mean(true):.1%} | {len(true):,} |")
    print("\n| table | most seeds | seeds of a race | picks lose | even spending needs | share |")
    print("| --- | --- | --- | --- | --- | --- |")
    for table in tables:
        for most, spent, lost, even in spending(table, noise, given.races):
            figures = f"{most} | {spent:.1f} | {100 * lost:.3f} points | {even:.1f} | {spent / even:.0%}"
            print(f"| {table.name} | {figures} |", flush=True)


def confidence(
    table: Table, noise: Noise, searches: int, search: Callable[[World, int], list[int]]
) -> tuple[list[Selection], float]:
    """Search, race and judge; return what was said and the mean number of trainings.

    Args:
        table: What is true.
        noise: How trainings differ.
        searches: How many searches.
        search: Returns the candidates that a search finds in a world, given a seed.
    """
    found, spent = [], []
    for seed in range(searches):
        world = World(table, noise, np.random.default_rng(seed))
        pool = pool_of(world, search(world, seed), MOST_SEEDS)
        finalists, seeds = race(pool, MOST_SEEDS)
        found.append(judge(world, pool, finalists, seeds))
        spent.append(sum(seeds))
    return found, float(np.mean(spent))


def spending(table: Table, noise: Noise, races: int) -> list[tuple[int, float, float, float]]:
    """Compare races with even spending over the same contenders.

    Returns:
        For each limit of seeds: the limit, the mean number of trainings of a race, what its picks lose, and how many
        trainings even spending needs to lose as little.
    """
    longest = max(_LIMITS)
    even = np.zeros((races, longest))
    raced = np.zeros((races, len(_LIMITS), 2))
    sizes = []
    for seed in range(races):
        world = World(table, noise, np.random.default_rng(seed))
        pool = pool_of(world, candidates_at_random(world, seed), longest)
        sizes.append(len(pool.indices))
        means = np.array([trained["validation"].mean(axis=1) for trained in pool.trained])
        even[seed] = [_even(pool, means, count) for count in range(1, longest + 1)]
        raced[seed] = [_raced(pool, means, most) for most in _LIMITS]
    losses = np.minimum.accumulate(even.mean(axis=0))
    size = float(np.mean(sizes))
    rows = []
    for most, (spent, lost) in zip(_LIMITS, raced.mean(axis=0), strict=True):
        needed = size * float(np.interp(-lost, -losses, np.arange(1, longest + 1)))
        rows.append((most, float(spent), float(lost), needed))
    return rows


def _even(pool: Pool, means: NDArray[np.float64], count: int) -> float:
    """Return what picks lose with so many seeds for everyone, over all blocks of so many."""
    blocks = [means[:, begin : begin + count].mean(axis=1) for begin in range(0, means.shape[1] - count + 1, count)]
    return float(np.mean([pick_loss(pool, block) for block in blocks]))


def _raced(pool: Pool, means: NDArray[np.float64], most: int) -> tuple[float, float]:
    """Return how many trainings a race takes and what its picks lose."""
    finalists, seeds = race(pool, most)
    reached = np.full(len(seeds), -np.inf)
    reached[finalists] = [means[place, : seeds[place]].mean() for place in finalists]
    return sum(seeds), pick_loss(pool, reached)


def _row(name: str, found: Sequence[Selection], seeds: float) -> str:
    best = [selection.best for selection in found if selection.best is not None]
    shares = {
        "one": [each for selection in found for each in selection.single],
        "together": [selection.together for selection in found],
        "best": best,
        **{claim: [getattr(selection, claim) for selection in found] for claim in _CLAIMS},
    }
    cells = [f"{np.mean(share):.1%}" if share else "none" for share in shares.values()]
    width = 100 * np.median([width for selection in found for width in selection.widths])
    near = np.mean([1 / _NEAR <= ratio <= _NEAR for selection in found for ratio in selection.foreseen])
    return f"| {name} | {' | '.join(cells)} | {width:.1f} points | {near:.1%} | {seeds:.1f} |"


if __name__ == "__main__":
    main()
