"""Forecast where a trial will end from where it stands at a rung."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import t as student

from autopeft.samplers.ended import OfEnded

__all__ = ["Finished", "Forecast", "Forecasts", "Standing", "finished_runs", "forecast", "standing_of"]

#: Finished trials without which nothing is forecast.
_LEAST = 4

#: Shrinks the slope of the line as though this share of one more trial had said that standing means nothing.
_DOUBT = 0.1


@dataclass(frozen=True)
class Finished:
    """A trial that ran to its end, as far as its accuracy goes.

    Args:
        cost: Its cost.
        curve: What it measured on the way: points of at least `step`, `accuracy` and `loss`.
        accuracy: The accuracy it ended with.
    """

    cost: float
    curve: Sequence[Mapping[str, float]]
    accuracy: float

    def figures(self, steps: tuple[float, ...]) -> tuple[float, float] | None:
        """Return mean accuracy over the steps and likelihood at the last one; None unless measured at each."""
        if steps not in self._figures:
            self._figures[steps] = _figures(self.curve, steps)
        return self._figures[steps]

    @cached_property
    def _figures(self) -> dict[tuple[float, ...], tuple[float, float] | None]:
        return {}


@dataclass(frozen=True)
class Forecast:
    """The final accuracy to expect, a shifted and scaled Student's t.

    Args:
        mean: Its centre.
        spread: Its scale: how far forecasts of the finished trials from each other were off.
        freedom: Its degrees of freedom.
    """

    mean: float
    spread: float
    freedom: int

    def chance_above(self, accuracy: float) -> float:
        """Return the probability of ending above an accuracy."""
        return float(student.sf(accuracy, self.freedom, self.mean, self.spread))


@dataclass(frozen=True)
class Standing:
    """Where a trial stands.

    Args:
        steps: The steps at which it was measured.
        figures: Its mean accuracy over them, and its likelihood at the last one.
    """

    steps: tuple[float, ...]
    figures: tuple[float, float]


@dataclass(frozen=True)
class _Line:
    """The line of final accuracy on standing at certain steps."""

    middle: NDArray[np.float64]
    unit: NDArray[np.float64]
    telling: NDArray[np.bool_]
    level: float
    slope: float
    spread: float
    freedom: int

    def standing(self, figures: NDArray[np.float64]) -> NDArray[np.float64]:
        return ((figures - self.middle)[..., self.telling] / self.unit[self.telling]).mean(axis=-1)

    def means(self, figures: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
        """Return the accuracies to expect of trials, by their figures."""
        return self.level + self.slope * self.standing(np.asarray(figures))


class Forecasts:
    """Forecasts the final accuracy of trials from the trials that finished.

    A trial's standing at a rung is the mean of two figures, each counted in standard deviations of the finished
    trials: its accuracy, averaged over the rungs so far because one validation is noisy, and exp(-loss), the
    likelihood of the truth. The forecast is the line of final accuracy on standing; its error is how far the
    line through all other trials misses each finished one. The line rises and the error is the same for every
    curve, so a better curve never has the worse prospects. That hopeless trials do not finish leaves the line
    unbiased: they were stopped for their standing, on which it is conditioned.

    Args:
        finished: The finished trials; those not measured at a curve's steps tell nothing of it.
    """

    def __init__(self, finished: Sequence[Finished]) -> None:
        self._finished = finished
        self._lines: dict[tuple[float, ...], _Line | None] = {}

    def of(self, curve: Sequence[Mapping[str, float]]) -> Forecast | None:
        """Forecast one trial.

        Args:
            curve: What it has measured so far, at least one point.

        Returns:
            The predictive distribution, or None when fewer than four have finished, or those that stood better at the
            rung did not end better.
        """
        at = standing_of(curve)
        line = self._line(at.steps)
        return None if line is None else Forecast(float(line.means([at.figures])[0]), line.spread, line.freedom)

    def means(self, standings: Sequence[Standing]) -> list[float | None]:
        """Return the accuracies to expect of many trials; None as in `of`."""
        found: list[float | None] = [None] * len(standings)
        groups: dict[tuple[float, ...], list[int]] = {}
        for index, at in enumerate(standings):
            groups.setdefault(at.steps, []).append(index)
        for steps, group in groups.items():
            line = self._line(steps)
            if line is not None:
                for index, mean in zip(group, line.means([standings[i].figures for i in group]).tolist(), strict=True):
                    found[index] = mean
        return found

    def _line(self, steps: tuple[float, ...]) -> _Line | None:
        if steps not in self._lines:
            self._lines[steps] = _fitted(self._finished, steps)
        return self._lines[steps]


def forecast(finished: Sequence[Finished], curve: Sequence[Mapping[str, float]]) -> Forecast | None:
    """Forecast the final accuracy of a trial from the trials that finished, see `Forecasts`."""
    return Forecasts(finished).of(curve)


def standing_of(curve: Sequence[Mapping[str, float]]) -> Standing:
    """Return where a trial stands after what it has measured, at least one point."""
    steps = tuple(point["step"] for point in curve)
    figures = _figures(curve, steps)
    assert figures is not None, "a curve is measured at its own steps"
    return Standing(steps, figures)


def _fitted(finished: Sequence[Finished], steps: tuple[float, ...]) -> _Line | None:
    known = [(there, run.accuracy) for run in finished if (there := run.figures(steps)) is not None]
    if len(known) < _LEAST:
        return None
    figures = np.asarray([there for there, _ in known])
    final = np.asarray([accuracy for _, accuracy in known])
    middle, unit = figures.mean(axis=0), figures.std(axis=0)
    telling = unit > 1e-9
    if not telling.any():
        return None
    line = _Line(middle, unit, telling, float(final.mean()), 0.0, 0.0, len(known) - 2)
    count, x, y = len(known), line.standing(figures), final - final.mean()
    variation = float(x @ x) + _DOUBT
    slope = float(x @ y) / variation
    if slope <= 0:
        return None
    # Left out, a trial is missed by its residual over one minus its leverage.
    errors = (y - slope * x) / (1 - 1 / count - x**2 / variation)
    # Curves that all lie on one line leave no spread; an accuracy is never known better than this.
    return replace(line, slope=slope, spread=max(float(np.sqrt(np.mean(errors**2))), 1e-6))


def _figures(curve: Sequence[Mapping[str, float]], steps: Sequence[float]) -> tuple[float, float] | None:
    """Return mean accuracy over the steps and likelihood at the last one; None unless measured at each."""
    points = {point["step"]: point for point in curve}
    if any(step not in points for step in steps):
        return None
    return float(np.mean([points[step]["accuracy"] for step in steps])), float(np.exp(-points[steps[-1]]["loss"]))


def finished_runs(trials: Iterable[FrozenTrial]) -> list[Finished]:
    """Return those of a study's trials that ran to their end, within the budget or not."""
    return [run for trial in trials if trial.state == TrialState.COMPLETE and (run := _run_of(trial)) is not None]


@OfEnded
def _run_of(trial: FrozenTrial) -> Finished | None:
    outcome = trial.user_attrs.get("outcome", {})
    if outcome.get("status") != "complete":
        return None
    return Finished(trial.values[0], outcome.get("curve", ()), trial.values[-1])
