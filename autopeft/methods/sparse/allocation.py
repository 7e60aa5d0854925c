"""How a number of parameters is spent on low-rank products and single scalars, by what matrices are sensitive to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from autopeft.methods.sparse.choosing import best_of_all

__all__ = ["Allocation", "allocate"]

#: Numbers of chosen weights that are tried: from none to so many times the budget, in so many steps.
_FARTHEST, _STEPS = 32, 640


@dataclass(frozen=True)
class Allocation:
    """What trains of some matrices.

    Args:
        low_rank: The matrices that get a low-rank product.
        scalars: Of the others, the positions that train.
    """

    low_rank: frozenset[str]
    scalars: Mapping[str, Tensor]


def allocate(scores: Mapping[str, Tensor], budget: int, rank: int, dense: float) -> Allocation:
    """Spend a budget exactly (SPT, section 3.2).

    Some number of weights is chosen by their scores, of all matrices together; a matrix of which a large share is
    chosen gets a low-rank product, of the others the chosen weights train. Of the numbers tried it is the largest that
    keeps within the budget; what is left of that is filled up with the best of the remaining weights.

    Args:
        scores: How sensitive the loss is to each weight, by the names of matrices.
        budget: Parameters to spend, at most as many as there are weights.
        rank: Rank of a product.
        dense: Share of a matrix's weights that is a large one.
    """
    costs = {name: rank * sum(each.shape) for name, each in scores.items()}
    sizes = {name: each.numel() for name, each in scores.items()}
    most = min(sum(sizes.values()), _FARTHEST * budget)
    ranked = torch.cat([each.flatten() for each in scores.values()]).topk(most).indices
    ends = torch.tensor(list(sizes.values()), device=ranked.device).cumsum(0)
    owners = torch.searchsorted(ends, ranked, right=True)
    counts, before = torch.zeros(len(sizes), dtype=torch.int64), 0
    low_rank: frozenset[str] = frozenset()
    for number in torch.linspace(0, most, _STEPS + 1, dtype=torch.float64).round().long().tolist():
        counts += owners[before:number].bincount(minlength=len(sizes)).cpu()
        chosen, before = dict(zip(sizes, counts.tolist(), strict=True)), number
        swapped = frozenset(name for name, count in chosen.items() if count >= dense * sizes[name])
        structured = sum(costs[name] for name in swapped)
        singly = sum(count for name, count in chosen.items() if name not in swapped)
        available = sum(size for name, size in sizes.items() if name not in swapped)
        if structured + singly <= budget <= structured + available:
            low_rank = swapped
    rest = budget - sum(costs[name] for name in low_rank)
    others = {name: each for name, each in scores.items() if name not in low_rank}
    return Allocation(low_rank, best_of_all(others, rest) if others else {})
