"""What a proposal is worth: the expected growth of the front's hypervolume."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import torch
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import GenericMCMultiOutputObjective
from botorch.models.model import Model
from botorch.sampling import SobolQMCNormalSampler
from torch import Tensor

__all__ = ["hypervolume_improvement"]

#: Quasi-random draws of the accuracies over which the improvement is averaged.
_DRAWS = 32


def hypervolume_improvement(
    model: Model,
    known: Sequence[tuple[int, float]],
    measured: Sequence[float],
    reference: float,
    baseline: Tensor,
    pending: Tensor | None,
    seed: int,
) -> Callable[[Tensor], Tensor]:
    """Build the log noisy expected hypervolume improvement of single points.

    Only accuracy and costs that trials measure are drawn from models; costs that are known are read off columns of a
    point.

    Args:
        model: The fitted model; its first output is accuracy, further ones are the log10 of measured costs over
            their lowest.
        known: For each known cost its column, and the decades that 1 in the column stands for.
        measured: For each measured cost the decades to its reference.
        reference: The reference point's accuracy; its costs are the highest.
        baseline: Encoded points already measured, `n x d`.
        pending: Encoded points at work, `p x d`, or None.
        seed: Seed of the draws.

    Returns:
        A function from encoded points `m x d` to values `m`.
    """
    # BoTorch would compile a C++ kernel here: 20 s, and a compiler the user may lack, to save milliseconds.
    logei._load_attempted = True
    columns = [(column % baseline.shape[-1], decades) for column, decades in known]

    def objectives(samples: Tensor, X: Tensor) -> Tensor:  # noqa: N803 (BoTorch's name)
        accuracy = samples[..., :1]
        costs = [(-decades * X[..., column : column + 1]).expand_as(accuracy) for column, decades in columns]
        return torch.cat([*costs, -samples[..., 1:], accuracy], dim=-1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        acquisition = qLogNoisyExpectedHypervolumeImprovement(
            model=model,
            ref_point=[*(-decades for _, decades in known), *(-decades for decades in measured), reference],
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
