"""How well the sampler's model of accuracy predicts trials that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, spearmanr

from autopeft.costs import Costs
from autopeft.errors import AutopeftError
from autopeft.reporting.chart import Absent
from autopeft.reporting.data.knobs import bound_space, trials_of_space
from autopeft.reporting.run import Run
from autopeft.samplers import AffordablePoints

__all__ = ["Predicted", "Prediction", "surrogate_prediction"]

#: Trials without which nothing is predicted, and parts the trials are divided into.
_LEAST, _FOLDS = 8, 5

#: Standard deviations to either side of a 95 % interval.
_WIDTH = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Predicted:
    """One trial as the model that had not seen it predicts it.

    Args:
        number: Its number.
        measured: Its accuracy.
        mean: The accuracy predicted.
        low: Lower end of the 95 % interval of a measurement.
        high: Upper end.
    """

    number: int
    measured: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Prediction:
    """All trials, each predicted from the others.

    Args:
        trials: By number.
        folds: Into how many parts they were divided.
    """

    trials: tuple[Predicted, ...]
    folds: int

    @property
    def error(self) -> float:
        """Root mean square of what predictions were off by."""
        return _root_mean_square([each.measured - each.mean for each in self.trials])

    @property
    def spread(self) -> float:
        """What they would have been off by, had the mean of all trials been predicted each time."""
        return float(np.std([each.measured for each in self.trials]))

    @property
    def rank_correlation(self) -> float | None:
        """Spearman's correlation of predicted and measured; None where either is the same everywhere."""
        found = spearmanr([each.mean for each in self.trials], [each.measured for each in self.trials]).statistic
        return None if np.isnan(found) else float(found)

    @property
    def covered(self) -> float:
        """The share of the 95 % intervals that hold what was measured."""
        return float(np.mean([each.low <= each.measured <= each.high for each in self.trials]))


def surrogate_prediction(run: Run) -> Prediction | Absent:
    """Cross-validate the accuracy model of `--sampler pareto`: knobs and log of the parameters to accuracy.

    The model is fitted anew, its length scales too, without each part of the trials.
    """
    space = bound_space(run)
    if isinstance(space, Absent):
        return space
    assert not isinstance(run.backbone, Absent), "the space is bound to it"
    told = trials_of_space(run)
    if len(told) < _LEAST:
        return Absent(f"fewer than {_LEAST} trials of the space have finished ({len(told)})")
    accuracies = np.array([trial.values[-1] for trial in told])
    if np.ptp(accuracies) == 0:
        return Absent("all trials have the same accuracy")
    try:
        points = AffordablePoints(space, Costs(run.backbone).price, run.result.scale.limit)
        at = [points.point(trial.params) for trial in told]
    except AutopeftError as error:
        return Absent(f"the trials cannot be placed in the space: {error}")
    from autopeft.samplers.features import Features

    features = Features(points)
    means, deviations = _cross_validate(features.encode(at), accuracies, features.rates)
    return Prediction(
        tuple(
            Predicted(trial.number, float(y), float(mean), float(mean - half), float(mean + half))
            for trial, y, mean, half in zip(told, accuracies, means, _WIDTH * deviations, strict=True)
        ),
        min(_FOLDS, len(told)),
    )


def _cross_validate(x: np.ndarray, y: np.ndarray, rates: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of a measurement that each row is predicted from the others."""
    import torch

    from autopeft.samplers.alone import alone
    from autopeft.samplers.surrogate import fit_accuracy, winsorised

    means, deviations = np.empty(len(y)), np.empty(len(y))
    parts = np.arange(len(y)) % min(_FOLDS, len(y))
    with alone(0):
        for part in np.unique(parts):
            left, out = parts != part, parts == part
            known = winsorised(y[left], [False] * int(left.sum()))
            if np.ptp(known) == 0:
                means[out], deviations[out] = known[0], 0.0
                continue
            model = fit_accuracy(torch.from_numpy(x[left]), torch.from_numpy(known), rates=rates)
            mean, deviation = model.predict(torch.from_numpy(x[out]))
            noise = model.noise * model.scale**2
            means[out] = mean.numpy()
            deviations[out] = (deviation.square() + noise).sqrt().numpy()
    return means, deviations


def _root_mean_square(values: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
