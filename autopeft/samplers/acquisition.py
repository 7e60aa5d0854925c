"""What a proposal is worth: the expected growth of the front's hypervolume."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from autopeft.samplers.hypervolume import pareto_front

__all__ = ["log_expected_growth"]

#: Growth below this has no logarithm worth telling apart.
_LEAST = 1e-300


def log_expected_growth(
    mean: Tensor, deviation: Tensor, at: Tensor, known: Tensor, known_at: Tensor, reference: float
) -> Tensor:
    """Return the logarithm of the expected hypervolume that single points add to a front.

    Cost is known, so only accuracy is a random variable, and the expectation has a closed form: above each step of
    the front that is no cheaper than the point it is the step's width times an expected improvement (Jones et al.
    1998) over the step's height. No draws, hence no noise from them, and nothing to compile.

    Args:
        mean: Expected accuracy of the points, shape `(m,)`.
        deviation: Its standard deviation, shape `(m,)`.
        at: Log-cost of the points from 0, the cheapest, to 1, the budget; shape `(m,)`.
        known: Expected accuracy of what was tried, shape `(n,)`.
        known_at: Its log-cost, shape `(n,)`.
        reference: The reference point's accuracy; its cost is the budget.

    Returns:
        Logarithms of areas of accuracy times share of the log-costs, shape `(m,)`.
    """
    front = pareto_front(known_at.tolist(), known.tolist())
    heights = torch.cat([mean.new_tensor([reference]), known[front].clamp_min(reference)])
    edges = torch.cat([mean.new_zeros(1), known_at[front].clamp(0.0, 1.0), mean.new_ones(1)])
    widths = (edges[1:] - torch.maximum(edges[:-1], at.unsqueeze(-1))).clamp_min(0.0)
    deviation = deviation.unsqueeze(-1)
    z = (mean.unsqueeze(-1) - heights) / deviation
    density = torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    improvement = deviation * (density + z * 0.5 * torch.erfc(-z / math.sqrt(2)))
    return (widths * improvement.clamp_min(0.0)).sum(-1).clamp_min(_LEAST).log()
