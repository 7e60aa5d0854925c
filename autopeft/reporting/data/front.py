"""The front against each cost: all trials, step line, knee, finalists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autopeft.reporting.run import ReportedTrial, Run
from autopeft.samplers import pareto_front
from autopeft.selection import knee
from autopeft.selection.finalists_file import Finalist

__all__ = ["FrontPanel", "PlacedFinalist", "PlacedTrial", "Steps", "front_panels", "step_points"]

#: The corners of a step line: positions and heights.
Steps = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class PlacedTrial:
    """A trial at its place.

    Args:
        trial: The trial.
        cost: Where it stands; costs under the cheapest non-zero one count as that, for the axis is logarithmic.
        accuracy: Its accuracy, or the last it measured; None where there is none.
    """

    trial: ReportedTrial
    cost: float
    accuracy: float | None


@dataclass(frozen=True)
class PlacedFinalist:
    """A finalist at its place; its accuracy on test is its height."""

    finalist: Finalist
    cost: float


@dataclass(frozen=True)
class FrontPanel:
    """The front against one cost.

    Args:
        cost: Name of the cost.
        cheapest: The cheapest non-zero cost.
        highest: The budget, or the highest value of a cost that has none.
        trials: Every trial whose cost is known.
        steps: The best accuracy at or below each cost, other costs aside.
        knee: The number of the knee's trial, against the first cost; None where there is none.
        finalists: Every finalist whose cost is known.
    """

    cost: str
    cheapest: float
    highest: float
    trials: tuple[PlacedTrial, ...]
    steps: Steps
    knee: int | None
    finalists: tuple[PlacedFinalist, ...]


def front_panels(run: Run) -> tuple[FrontPanel, ...]:
    """Return the panels of a run's front, one for each cost that is an objective."""
    front, scale = run.result.front, run.result.scale
    bend = knee(front, scale) if front.rows else None
    found = []
    for index, (name, (cheapest, highest)) in enumerate(scale.costs.items()):

        def place(cost: float, floor: float = cheapest) -> float:
            return float(max(cost, floor))

        found.append(
            FrontPanel(
                cost=name,
                cheapest=float(cheapest),
                highest=float(highest),
                trials=tuple(
                    PlacedTrial(trial, place(trial.costs[name]), trial.last_accuracy)
                    for trial in run.trials
                    if name in trial.costs
                ),
                steps=step_points(
                    [place(row.costs[name]) for row in front.rows], [row.accuracy for row in front.rows], highest
                ),
                knee=None if bend is None or index else bend.trial,
                finalists=tuple(PlacedFinalist(each, place(cost)) for each, cost in _costs_of_finalists(run, name)),
            )
        )
    return tuple(found)


def step_points(costs: Sequence[float], accuracies: Sequence[float], highest: float) -> Steps:
    """Return the corners of the line of the best accuracy at or below each cost, up to the highest cost."""
    xs: list[float] = []
    ys: list[float] = []
    for index in pareto_front(costs, accuracies):
        if ys:
            xs.append(costs[index])
            ys.append(ys[-1])
        xs.append(costs[index])
        ys.append(accuracies[index])
    if ys:
        xs.append(float(max(highest, xs[-1])))
        ys.append(ys[-1])
    return tuple(xs), tuple(ys)


def _costs_of_finalists(run: Run, cost: str) -> Iterable[tuple[Finalist, float]]:
    """Yield the finalists with their cost, where it is known."""
    for finalist in run.finalists.finalists if run.finalists else ():
        if cost == "params":
            yield finalist, finalist.params
        elif cost in finalist.costs:
            yield finalist, finalist.costs[cost]
        elif finalist.trial is not None and cost in (known := run.by_number[finalist.trial].costs):
            yield finalist, known[cost]
