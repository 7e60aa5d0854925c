"""Forecast where a trial will end from where it stands at a rung."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import t as student

__all__ = ["Finished", "Forecast", "finished_runs", "forecast"]

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


def forecast(finished: Sequence[Finished], curve: Sequence[Mapping[str, float]]) -> Forecast | None:
    """Forecast the final accuracy of a trial from the trials that finished.

    A trial's standing at a rung is the mean of two figures, each counted in standard deviations of the finished
    trials: its accuracy, averaged over the rungs so far because one validation is noisy, and exp(-loss), the
    likelihood of the truth. The forecast is the line of final accuracy on standing; its error is how far the
    line through all other trials misses each finished one. The line rises and the error is the same for every
    curve, so a better curve never has the worse prospects. That hopeless trials do not finish leaves the line
    unbiased: they were stopped for their standing, on which it is conditioned.

    Args:
        finished: The finished trials; those not measured at the curve's steps tell nothing.
        curve: What the trial has measured so far, at least one point.

    Returns:
        The predictive distribution, or None when fewer than four have finished, or those that stood better at the
        rung did not end better.
    """
    steps = [point["step"] for point in curve]
    known = [(there, run.accuracy) for run in finished if (there := _figures(run.curve, steps)) is not None]
    if len(known) < _LEAST:
        return None
    figures = np.asarray([there for there, _ in known])
    final = np.asarray([accuracy for _, accuracy in known])
    middle, unit = figures.mean(axis=0), figures.std(axis=0)
    telling = unit > 1e-9
    if not telling.any():
        return None

    def standing(figures: np.ndarray) -> np.ndarray:
        return ((figures - middle)[..., telling] / unit[telling]).mean(axis=-1)

    count, x, y = len(known), standing(figures), final - final.mean()
    variation = float(x @ x) + _DOUBT
    slope = float(x @ y) / variation
    if slope <= 0:
        return None
    # Left out, a trial is missed by its residual over one minus its leverage.
    errors = (y - slope * x) / (1 - 1 / count - x**2 / variation)
    mean = final.mean() + slope * standing(np.asarray(_figures(curve, steps)))
    # Curves that all lie on one line leave no spread; an accuracy is never known better than this.
    return Forecast(float(mean), max(float(np.sqrt(np.mean(errors**2))), 1e-6), count - 2)


def _figures(curve: Sequence[Mapping[str, float]], steps: Sequence[float]) -> tuple[float, float] | None:
    """Return mean accuracy over the steps and likelihood at the last one; None unless measured at each."""
    points = {point["step"]: point for point in curve}
    if any(step not in points for step in steps):
        return None
    return float(np.mean([points[step]["accuracy"] for step in steps])), float(np.exp(-points[steps[-1]]["loss"]))


def finished_runs(trials: Iterable[FrozenTrial]) -> list[Finished]:
    """Return those of a study's trials that ran to their end, within the budget or not."""
    return [
        Finished(trial.values[0], trial.user_attrs["outcome"].get("curve", ()), trial.values[-1])
        for trial in trials
        if trial.state == TrialState.COMPLETE and trial.user_attrs.get("outcome", {}).get("status") == "complete"
    ]
