"""Replay a table of finished runs as a search that stops trials early."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autopeft.samplers import Finished, accuracy_to_grow, hypervolume
from autopeft.study import CONFIDENCE, GROWTH, chance_of_growth, worth_finishing
from studies.stopping.tables import Run, Table

__all__ = ["Decision", "Replay", "replay"]


@dataclass(frozen=True)
class Decision:
    """What was decided at one rung, and what would have been.

    Args:
        chance: The rule's probability that the trial makes the front grow by what counts.
        stopped: Whether it was stopped.
        grew: Whether it would have made the front of that moment grow by what counts.
        entered: Whether it would have been on the front of that moment.
    """

    chance: float
    stopped: bool
    grew: bool
    entered: bool


@dataclass(frozen=True)
class Replay:
    """One search.

    Args:
        kept: Share of the whole table's hypervolume that the finished trials have.
        steps: Share of the optimiser steps of the whole table that was spent, each run the same.
        seconds: Share of its time.
        stopped: Number of trials stopped.
        decisions: Every decision at a rung.
    """

    kept: float
    steps: float
    seconds: float
    stopped: int
    decisions: tuple[Decision, ...]


def replay(
    table: Table, seed: int, *, confidence: float = CONFIDENCE, growth: float = GROWTH, workers: int = 1
) -> Replay:
    """Run the trials of a table in random order, the baselines first, and stop those the rule stops.

    Args:
        table: The runs, all with the same rungs.
        seed: Seed of the order.
        confidence: As in `autopeft.study.stopping`.
        growth: Likewise.
        workers: Trials at once.
    """
    order = np.random.default_rng(seed).permutation(len(table.runs))
    waiting = sorted((table.runs[index] for index in order), key=lambda run: not run.baseline)[::-1]
    finished: list[Finished] = []
    spent: list[tuple[Run, int]] = []
    decisions: list[Decision] = []
    # When each trial at work reaches its next rung; ties go to the one that began first.
    events: list[tuple[float, int, int, Run]] = []
    begun = 0

    def begin(now: float) -> None:
        nonlocal begun
        if waiting:
            run = waiting.pop()
            heapq.heappush(events, (now + run.seconds(0), begun, 0, run))
            begun += 1

    for _ in range(workers):
        begin(0.0)
    while events:
        now, number, rung, run = heapq.heappop(events)
        curve = run.finished.curve
        if rung == len(curve) - 1:
            finished.append(run.finished)
        elif run.baseline or not _decide(table, finished, run, rung, confidence, growth, decisions):
            at = now + run.seconds(rung + 1) - run.seconds(rung)
            heapq.heappush(events, (at, number, rung + 1, run))
            continue
        spent.append((run, rung))
        begin(now)
    everything = [run.finished for run in table.runs]
    return Replay(
        kept=_score(table, finished) / _score(table, everything),
        steps=float(np.mean([run.share(rung) for run, rung in spent])),
        seconds=sum(run.seconds(rung) for run, rung in spent) / sum(run.seconds(-1) for run, _ in spent),
        stopped=len(table.runs) - len(finished),
        decisions=tuple(decisions),
    )


def _decide(
    table: Table,
    finished: Sequence[Finished],
    run: Run,
    rung: int,
    confidence: float,
    growth: float,
    decisions: list[Decision],
) -> bool:
    """Ask the rule, note what it said beside what is true, and tell whether the trial is stopped."""
    if not finished:
        return False
    trial = run.finished
    curve = trial.curve[: rung + 1]
    ended_early = sum(decision.stopped for decision in decisions)
    asked = (finished, ended_early, trial.cost, curve)
    chance = chance_of_growth(*asked, growth=growth, **table.scoring)
    stopped = not worth_finishing(*asked, growth=growth, confidence=confidence, **table.scoring)
    costs, accuracies = [one.cost for one in finished], [one.accuracy for one in finished]
    share = growth / (len(finished) + ended_early)
    needed = accuracy_to_grow(costs, accuracies, trial.cost, share, **table.scoring)
    rivals = [one.accuracy for one in finished if one.cost <= trial.cost]
    decisions.append(Decision(chance, stopped, trial.accuracy > needed, trial.accuracy > max(rivals, default=-np.inf)))
    return stopped


def _score(table: Table, runs: Sequence[Finished]) -> float:
    return hypervolume([run.cost for run in runs], [run.accuracy for run in runs], **table.scoring)
