"""The model of accuracy: a Gaussian process over the knobs and the log-cost."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import AdditiveKernel, Kernel, LinearKernel, MaternKernel, ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import GammaPrior, LogNormalPrior
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["AccuracyModel", "fit_accuracy", "winsorised"]

#: Spreads below the median at which an accuracy says no more than "bad".
_SPREADS = 3.0

#: Steps of the fit at most; a fit that needs more gains nothing a proposal would show.
_STEPS = 60

#: Mean and spread of the logarithm of the noise's variance, as a share of that of the accuracies, before any is seen.
_LOG_NOISE = (-2.0, 1.0)

#: Noise that is always there, in the same units.
_LEAST_NOISE = 1e-4

#: Keeps the covariance of points that are alike invertible.
_JITTER = 1e-6

#: What is known exactly still has this variance, so that nothing is divided by 0.
_LEAST_VARIANCE = 1e-10


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


@dataclass(frozen=True)
class AccuracyModel:
    """A fitted Gaussian process: what is expected of any point, and how surely.

    Args:
        kernel: Covariance of standardised accuracies.
        noise: Variance of a measurement, of standardised accuracies.
        level: Their mean far from all data.
        x: Encoded points measured, `n x d`.
        z: Their standardised accuracies, `n`.
        centre: Accuracy that 0 stands for.
        scale: Accuracy that a difference of 1 stands for.
    """

    kernel: Kernel
    noise: Tensor
    level: Tensor
    x: Tensor
    z: Tensor
    centre: Tensor
    scale: Tensor

    def predict(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the accuracy, without the noise of a measurement.

        Args:
            x: Encoded points, `m x d`.

        Returns:
            Two tensors of shape `(m,)`.
        """
        with torch.no_grad():
            shared = self.kernel(x, self.x).to_dense()
            mean = self.level + shared @ self._weights
            told = torch.linalg.solve_triangular(self._factor, shared.T, upper=False)
            variance = self.kernel(x, diag=True) - told.square().sum(0)
            return self.centre + self.scale * mean, self.scale * variance.clamp_min(_LEAST_VARIANCE).sqrt()

    def told(self, x: Tensor, y: Tensor) -> AccuracyModel:
        """Return the model with the same kernel that knows other measurements.

        Args:
            x: Encoded points, `n x d`.
            y: Their accuracies, `n`.
        """
        return replace(self, x=x, z=(y - self.centre) / self.scale)

    def believing(self, x: Tensor) -> AccuracyModel:
        """Return the model that takes points at work for measured as expected, so that nothing is tried beside them.

        Args:
            x: Encoded points, `p x d`.
        """
        expected = (self.predict(x)[0] - self.centre) / self.scale
        return replace(self, x=torch.cat([self.x, x]), z=torch.cat([self.z, expected]))

    @cached_property
    def _factor(self) -> Tensor:
        with torch.no_grad():
            covariance = self.kernel(self.x, self.x).to_dense()
            diagonal = (self.noise + _JITTER) * torch.eye(len(self.x), dtype=self.x.dtype)
            return torch.linalg.cholesky(covariance + diagonal)

    @cached_property
    def _weights(self) -> Tensor:
        return torch.cholesky_solve((self.z - self.level).unsqueeze(-1), self._factor).squeeze(-1)


def fit_accuracy(x: Tensor, y: Tensor, *, rates: Sequence[int] = (), guided: bool = False) -> AccuracyModel:
    """Fit the accuracy model by maximum a posteriori.

    Its kernel adds three Matern kernels: over all columns, over the learning rates and over the log-cost, which tell
    more than any other single knob. Each has one length scale: a scale for every column is more than some dozens of
    trials can tell, and a model that learns them is surer than it should be. The prior of the first grows with the
    square root of the number of columns (Hvarfner et al. 2024, "Vanilla Bayesian Optimization Performs Great in High
    Dimensions"). Noise is taken for a twentieth of the variance until the accuracies tell.

    An expectation counts linearly, with a weight as likely negative as positive, whose variance is most likely 0: what
    the accuracies do not bear out is left aside, and where all is well expected the other kernels model the rest.

    Args:
        x: Encoded points, `n x d`, the log-cost last.
        y: Accuracies, `n`, not all the same.
        rates: Columns of the learning rates, counted back from -1, the log-cost, without the expectation.
        guided: Whether the last column but one is an expectation of the accuracy.
    """
    width = x.shape[-1]
    plain = [column for column in range(width) if not (guided and column == width - 2)]
    everything = MaternKernel(
        nu=2.5,
        active_dims=plain,
        lengthscale_prior=LogNormalPrior(math.sqrt(2) + 0.5 * math.log(len(plain)), math.sqrt(3)),
        lengthscale_constraint=GreaterThan(0.025, initial_value=math.exp(math.sqrt(2) - 3) * math.sqrt(len(plain))),
    )
    parts = [everything, _trend([width - 1])]
    if rates:
        parts.append(_trend([width + column - guided for column in rates]))
    kernels: list[Kernel] = [ScaleKernel(part, outputscale_prior=GammaPrior(2.0, 3.0)) for part in parts]
    if guided:
        kernels.append(LinearKernel(variance_prior=GammaPrior(1.0, 1.0), active_dims=(width - 2,)))
    kernel = AdditiveKernel(*kernels)
    centre, scale = y.mean(), y.std()
    z = (y - centre) / scale
    model = SingleTaskGP(
        x, z.unsqueeze(-1), likelihood=_likelihood(), covar_module=kernel, outcome_transform=None, input_transform=None
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit_gpytorch_mll(
            ExactMarginalLogLikelihood(model.likelihood, model),
            optimizer_kwargs={"options": {"maxiter": _STEPS}},
            max_attempts=2,
        )
    model.eval()
    noise, level = model.likelihood.noise.detach(), model.mean_module.constant.detach()
    return AccuracyModel(kernel, noise, level, x, z, centre, scale)


def _trend(columns: Sequence[int]) -> Kernel:
    return MaternKernel(
        nu=2.5,
        active_dims=columns,
        lengthscale_prior=GammaPrior(3.0, 3.0),
        lengthscale_constraint=GreaterThan(0.1, initial_value=1.0),
    )


def _likelihood() -> GaussianLikelihood:
    prior = LogNormalPrior(*_LOG_NOISE)
    return GaussianLikelihood(
        noise_prior=prior, noise_constraint=GreaterThan(_LEAST_NOISE, transform=None, initial_value=prior.mode)
    )
