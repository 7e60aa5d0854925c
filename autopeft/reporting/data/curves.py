"""Learning curves: what trials measured on the way."""

from __future__ import annotations

from dataclasses import dataclass

from autopeft.reporting.chart import Absent
from autopeft.reporting.run import ReportedTrial, Run

__all__ = ["Curve", "learning_curves"]


@dataclass(frozen=True)
class Curve:
    """The measurements of one trial.

    Args:
        trial: The trial.
        steps: Training steps after which it was measured.
        accuracies: The metric on validation at each.
    """

    trial: ReportedTrial
    steps: tuple[int, ...]
    accuracies: tuple[float, ...]


def learning_curves(run: Run) -> tuple[Curve, ...] | Absent:
    """Return the curves of all trials that measured anything, those of the front last."""
    curves = [
        Curve(
            trial,
            tuple(int(point["step"]) for point in trial.curve),
            tuple(float(point["accuracy"]) for point in trial.curve),
        )
        for trial in run.trials
        if trial.curve
    ]
    if not curves:
        return Absent("no trial recorded what it measured on the way")
    return tuple(sorted(curves, key=lambda curve: curve.trial.standing == "front"))
