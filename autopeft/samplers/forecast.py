"""Forecast where a trial will end from where it stands at a rung."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from optuna.trial import FrozenTrial
from scipy.stats import t as student

__all__ = ["Forecast", "finished_pairs", "forecast"]

#: Finished trials without which nothing is forecast.
_LEAST = 6


@dataclass(frozen=True)
class Forecast:
    """The final accuracy to expect, a shifted and scaled Student's t.

    Args:
        mean: Its centre.
        spread: Its scale: what the line leaves unexplained, and the doubt about the line.
        freedom: Its degrees of freedom.
    """

    mean: float
    spread: float
    freedom: int

    def chance_above(self, accuracy: float) -> float:
        """Return the probability of ending above an accuracy."""
        return float(student.sf(accuracy, self.freedom, self.mean, self.spread))


def forecast(finished: Sequence[tuple[float, float]], accuracy: float) -> Forecast | None:
    """Forecast the final accuracy of a trial by linear regression on those that finished.

    Args:
        finished: Accuracy at the rung and at the end, of each finished trial.
        accuracy: Accuracy of the trial at the rung.

    Returns:
        The predictive distribution of ordinary least squares, or None when fewer than six have finished or all
        stood alike at the rung.
    """
    if len(finished) < _LEAST:
        return None
    x, y = np.asarray(finished, dtype=np.float64).T
    count, centred = len(x), x - x.mean()
    variation = float(centred @ centred)
    if variation == 0.0:
        return None
    slope = float(centred @ y) / variation
    offset = accuracy - x.mean()
    residuals = y - y.mean() - slope * centred
    variance = float(residuals @ residuals) / (count - 2)
    spread = np.sqrt(variance * (1 + 1 / count + offset**2 / variation))
    # Curves that all lie on one line leave no spread; an accuracy is never known better than this.
    return Forecast(float(y.mean() + slope * offset), max(float(spread), 1e-6), count - 2)


def finished_pairs(trials: Iterable[FrozenTrial], step: float) -> list[tuple[float, float]]:
    """Return accuracy at a step and at the end of each finished trial that was measured there."""
    pairs = []
    for trial in trials:
        outcome = trial.user_attrs.get("outcome", {})
        if outcome.get("status") == "complete":
            at = (point["accuracy"] for point in outcome.get("curve", ()) if point["step"] == step)
            pairs += [(accuracy, trial.values[1]) for accuracy in at]
    return pairs
