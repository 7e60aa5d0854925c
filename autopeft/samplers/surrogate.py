"""The model of accuracy: a Gaussian process over the knobs and the log-cost."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.transforms import Standardize
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import AdditiveKernel, MaternKernel, ScaleKernel
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import GammaPrior, LogNormalPrior
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["fit_accuracy", "winsorised"]

#: Spreads below the median at which an accuracy says no more than "bad".
_SPREADS = 3.0

#: Steps of the fit at most; a fit that needs more gains nothing a proposal would show.
_STEPS = 60


def winsorised(accuracies: Sequence[float], failed: Sequence[bool]) -> NDArray[np.float64]:
    """Lift failures and collapsed runs to just "bad", so that they do not stretch the scale of the others.

    Args:
        accuracies: Accuracy of each trial.
        failed: Whether it failed; its accuracy is then the metric's worst value.

    Returns:
        Accuracies, none lower than three times the distance of best and median below the median of those that
        did not fail. All alike when every trial failed.
    """
    values = np.asarray(accuracies, dtype=np.float64)
    bad = np.asarray(failed, dtype=bool)
    if bad.all():
        return np.zeros_like(values)
    good = values[~bad]
    spread = good.max() - np.median(good)
    floor = max(np.median(good) - _SPREADS * spread, good.min()) if spread else good.min()
    return np.where(bad, floor, np.maximum(values, floor))


def fit_accuracy(x: Tensor, y: Tensor) -> SingleTaskGP:
    """Fit the accuracy model by maximum a posteriori.

    Its kernel adds a smooth trend over the log-cost, which explains most of the variance of any search space,
    to a Matern kernel with a length scale per column, whose prior grows with the square root of the number of
    columns (Hvarfner et al. 2024, "Vanilla Bayesian Optimization Performs Great in High Dimensions").

    Args:
        x: Encoded points, `n x d`, the log-cost last.
        y: Accuracies, `n x 1`.

    Returns:
        The model, in evaluation mode.
    """
    columns = x.shape[-1]
    everything = MaternKernel(
        nu=2.5,
        ard_num_dims=columns,
        lengthscale_prior=LogNormalPrior(math.sqrt(2) + 0.5 * math.log(columns), math.sqrt(3)),
        lengthscale_constraint=GreaterThan(0.025, initial_value=math.exp(math.sqrt(2) - 3) * math.sqrt(columns)),
    )
    trend = MaternKernel(
        nu=2.5,
        active_dims=(columns - 1,),
        lengthscale_prior=GammaPrior(3.0, 3.0),
        lengthscale_constraint=GreaterThan(0.1, initial_value=1.0),
    )
    kernel = AdditiveKernel(
        *(ScaleKernel(part, outputscale_prior=GammaPrior(2.0, 3.0)) for part in (everything, trend))
    )
    model = SingleTaskGP(x, y, covar_module=kernel, outcome_transform=Standardize(m=1), input_transform=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit_gpytorch_mll(
            ExactMarginalLogLikelihood(model.likelihood, model),
            optimizer_kwargs={"options": {"maxiter": _STEPS}},
            max_attempts=2,
        )
    return model.eval()
