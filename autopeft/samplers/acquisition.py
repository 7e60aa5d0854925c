"""What a proposal is worth: the expected growth of the front's hypervolume."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from autopeft.samplers.hypervolume import pareto_front_of_many

__all__ = ["log_expected_growth"]

#: Growth below this has no logarithm worth telling apart.
_LEAST = 1e-300


def log_expected_growth(
    mean: Tensor, deviation: Tensor, at: Tensor, known: Tensor, known_at: Tensor, reference: float
) -> Tensor:
    """Return the logarithm of the expected hypervolume that single points add to a front.

    Costs are taken as known, so only accuracy is a random variable, and the expectation has a closed form: above each
    step of the front that is no cheaper than the point it is the step's width times an expected improvement (Jones et
    al. 1998) over the step's height. With several costs the steps are the cells of the grid that the front's points
    span. No draws, hence no noise from them, and nothing to compile.

    Args:
        mean: Expected accuracy of the points, shape `(m,)`.
        deviation: Its standard deviation, shape `(m,)`.
        at: Log-costs of the points from 0, the cheapest, to 1, the reference; shape `(m, k)`.
        known: Expected accuracy of what was tried, shape `(n,)`.
        known_at: Its log-costs, shape `(n, k)`.
        reference: The reference point's accuracy.

    Returns:
        Logarithms of volumes of accuracy times share of the log-costs, shape `(m,)`.
    """
    front = pareto_front_of_many(known_at.tolist(), known.tolist())
    corners, levels = known_at[front].clamp(0.0, 1.0), known[front].clamp_min(reference)
    reached = torch.ones(1, len(front), dtype=torch.bool)
    widths = torch.ones(len(at), 1, dtype=mean.dtype)
    for column in range(at.shape[-1]):
        edges = torch.cat([mean.new_zeros(1), corners[:, column].sort().values, mean.new_ones(1)])
        # Each cell is reached by the points of the front that cost no more than its cheapest corner.
        paid = corners[:, column] <= edges[:-1, None]
        reached = (reached[:, None] & paid).flatten(0, 1)
        sides = (edges[1:] - torch.maximum(edges[:-1], at[:, column, None])).clamp_min(0.0)
        widths = (widths[:, :, None] * sides[:, None]).flatten(1)
    heights = torch.where(reached, levels, reference).amax(-1) if len(front) else mean.new_tensor([reference])
    deviation = deviation.unsqueeze(-1)
    z = (mean.unsqueeze(-1) - heights) / deviation
    density = torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    improvement = deviation * (density + z * 0.5 * torch.erfc(-z / math.sqrt(2)))
    return (widths * improvement.clamp_min(0.0)).sum(-1).clamp_min(_LEAST).log()
