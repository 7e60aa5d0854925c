"""Which contender to train with another seed: where the ranking is open. Reads validation only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autopeft.selection.statistics import Estimates, estimate, on_front, standard_normals

__all__ = ["FIRST_SEEDS", "LEAST_SEEDS", "Entry", "Standing", "certain", "estimated", "standing"]

#: Seeds before anyone is left out; one says nothing of what seeds do.
FIRST_SEEDS = 2

#: Seeds of whoever becomes a finalist.
LEAST_SEEDS = 3

#: Who is on the front with less than this probability is left out.
_HOPELESS = 0.05

#: A seed is spent when it lowers what picks are expected to lose, summed over all budgets, by more accuracy than this.
_WORTH = 1e-4

#: A race spends at most this share of the seeds that everyone could have, which bounds its time where ranks stay open.
_MEANS = 1 / 4


@dataclass(frozen=True)
class Entry:
    """A contender as a race sees it.

    Args:
        costs: The costs that are objectives.
        scores: For each seed so far its scores on validation, `[examples]`.
        stays: Whether it stays in the race whatever happens.
        fixed: Whether seeds do not change it; one is enough then.
        head: Whether nothing but a head is trained, or nothing at all.
    """

    costs: tuple[float, ...]
    scores: Sequence[NDArray[np.float64]]
    stays: bool = False
    fixed: bool = False
    head: bool = False


@dataclass(frozen=True)
class Standing:
    """How a race stands.

    Args:
        live: Indices of the entries that are still in it, and finalists when it is over.
        next: Indices of the entries to train with their next seed now, an entry once for each seed; empty when the
            race is over.
    """

    live: tuple[int, ...]
    next: tuple[int, ...]


def standing(entries: Sequence[Entry], *, most: int, at_once: int) -> Standing:
    """Say who is still in a race and who trains next; it depends on the scores so far and on nothing else.

    Everyone gets two seeds. Who is then surpassed nearly for certain by something as cheap is left out, the others get
    a third. Further seeds go one by one to where the ranking is open, until none is worth its time or the race has
    spent its means.

    Args:
        entries: Everyone who started.
        most: How many seeds an entry may have.
        at_once: How many of the further seeds to name.
    """
    everyone = tuple(range(len(entries)))
    first = _missing(entries, everyone, FIRST_SEEDS)
    if first:
        return Standing(everyone, first)
    live = _live(entries)
    # Who is left out may come back when others fall, and gets a third seed then.
    spoken_for = sum(max(len(entry.scores), 1 if entry.fixed else LEAST_SEEDS) for entry in entries)
    left = int(_MEANS * most * len(entries)) - spoken_for
    further = min(at_once, max(left, 0))
    return Standing(live, _missing(entries, live, LEAST_SEEDS) or _open(entries, live, most, further))


def certain(entries: Sequence[Entry]) -> tuple[int, ...]:
    """Return who will train with further seeds however the others do, once for each.

    Args:
        entries: Everyone who started.
    """
    staying, others = (
        [index for index, entry in enumerate(entries) if entry.stays is wanted] for wanted in (True, False)
    )
    return (*_missing(entries, others, FIRST_SEEDS), *_missing(entries, staying, LEAST_SEEDS))


def estimated(entries: Sequence[Entry]) -> Estimates:
    """Return what the scores on validation say of entries."""
    fixed = [place for place, entry in enumerate(entries) if entry.fixed]
    head = next((place for place, entry in enumerate(entries) if entry.head), None)
    return estimate([np.stack(entry.scores) for entry in entries], fixed, head)


def _missing(entries: Sequence[Entry], among: Collection[int], seeds: int) -> tuple[int, ...]:
    """Return who lacks seeds, once for each."""
    wanted = {index: 1 if entries[index].fixed else seeds for index in among}
    return tuple(index for index in among for _ in range(wanted[index] - len(entries[index].scores)))


def _live(entries: Sequence[Entry]) -> tuple[int, ...]:
    """Return who is on the front with some probability, and who stays."""
    estimates, costs = _estimate(entries, range(len(entries)))
    chances = on_front(costs, estimates.draws())
    return tuple(i for i, entry in enumerate(entries) if entry.stays or chances[i] >= _HOPELESS)


def _open(entries: Sequence[Entry], live: Sequence[int], most: int, at_once: int) -> tuple[int, ...]:
    """Return whose next seed is worth most; nobody's when none is worth its time.

    For each cost as a budget, the best within it would be picked. What such picks are expected to lose against the true
    best on the same examples is what seeds can still gain: the expected opportunity cost of Chick and Inoue 2001, "New
    two-stage and sequential procedures for selecting the best simulated system". A seed is worth by how much it lowers
    that, to first order: its derivative by the standard error of a mean, times what the seed takes off that.
    """
    estimates, costs = _estimate(entries, live)
    error = np.sqrt(estimates.seeds)
    chance = standard_normals(len(live))
    draws = estimates.means + error * chance
    slope = np.zeros(len(live))
    for cost in np.unique(costs, axis=0):
        within = np.flatnonzero((costs <= cost).all(axis=1))
        best = within[draws[:, within].argmax(axis=1)]
        slope += np.bincount(best, chance[np.arange(len(best)), best], len(live)) / len(chance)
    seeds = np.array([len(entries[index].scores) for index in live])
    worth = np.where(seeds < most, slope * error * (1 - np.sqrt(seeds / (seeds + 1))), 0.0)
    return tuple(live[place] for place in np.argsort(-worth, kind="stable")[:at_once] if worth[place] > _WORTH)


def _estimate(entries: Sequence[Entry], among: Sequence[int]) -> tuple[Estimates, NDArray[np.float64]]:
    """Return the estimates and the costs of some entries."""
    chosen = [entries[index] for index in among]
    return estimated(chosen), np.array([entry.costs for entry in chosen])
