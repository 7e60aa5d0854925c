"""What a proposal is worth: the expected growth of the front's hypervolume."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import GenericMCMultiOutputObjective
from botorch.models import SingleTaskGP
from botorch.sampling import SobolQMCNormalSampler
from torch import Tensor

__all__ = ["compile_nothing", "hypervolume_improvement"]

#: Quasi-random draws of the accuracies over which the improvement is averaged.
_DRAWS = 32


def compile_nothing() -> None:
    """Keep BoTorch from compiling a C++ kernel: 20 s, and a compiler the user may lack, to save milliseconds."""
    logei._load_attempted = True


def hypervolume_improvement(
    accuracy: SingleTaskGP,
    decades: float,
    reference: float,
    baseline: Tensor,
    pending: Tensor | None,
    seed: int,
) -> Callable[[Tensor], Tensor]:
    """Build the log noisy expected hypervolume improvement of single points.

    Only accuracy is drawn from a model; cost, the first objective, is read off the last column of a point.

    Args:
        accuracy: The fitted model of accuracy.
        decades: Decades of cost that 1 in the last column stands for.
        reference: The reference point's accuracy; its cost is the budget.
        baseline: Encoded points already measured, `n x d`.
        pending: Encoded points at work, `p x d`, or None.
        seed: Seed of the draws.

    Returns:
        A function from encoded points `m x d` to values `m`.
    """
    compile_nothing()

    def objectives(samples: Tensor, X: Tensor) -> Tensor:  # noqa: N803 (BoTorch's name)
        return torch.cat([(-decades * X[..., -1:]).expand_as(samples), samples], dim=-1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        acquisition = qLogNoisyExpectedHypervolumeImprovement(
            model=accuracy,
            ref_point=[-decades, reference],
            X_baseline=baseline,
            X_pending=pending,
            sampler=SobolQMCNormalSampler(torch.Size([_DRAWS]), seed=seed),
            objective=GenericMCMultiOutputObjective(objectives),
            prune_baseline=True,
        )

    def values(x: Tensor) -> Tensor:
        with torch.no_grad():
            return acquisition(x.unsqueeze(-2))

    return values
