"""The best positions of matrices by a score, one matrix at a time or all together; ties go to what comes first."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["best", "best_of_all"]


def best(scores: Tensor, count: int) -> Tensor:
    """Return the positions of the highest scores, the same on every device whatever ties there are.

    Args:
        scores: Of any shape; not a number is worse than any.
        count: How many; all where there are no more.

    Returns:
        Positions in the flattened scores, int64, ascending.
    """
    flat = scores.flatten().nan_to_num(nan=-torch.inf)
    if count >= len(flat):
        return torch.arange(len(flat), device=flat.device)
    if count <= 0:
        return torch.empty(0, dtype=torch.int64, device=flat.device)
    least = flat.topk(count).values[-1]
    above = (flat > least).nonzero().flatten()
    level = (flat == least).nonzero().flatten()[: count - len(above)]
    return torch.cat([above, level]).sort().values


def best_of_all(scores: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """Return the positions of the highest scores of several tensors together, see `best`; earlier names win ties.

    Args:
        scores: By name, in order.
        count: How many of all together.
    """
    shortlists = {name: best(each, count) for name, each in scores.items()}
    among = torch.cat([scores[name].flatten()[chosen] for name, chosen in shortlists.items()])
    wins = torch.zeros(len(among), dtype=torch.bool, device=among.device)
    wins[best(among, count)] = True
    parts = wins.split([len(chosen) for chosen in shortlists.values()])
    return {name: chosen[part] for (name, chosen), part in zip(shortlists.items(), parts, strict=True)}
