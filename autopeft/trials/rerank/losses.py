"""What scores of documents are trained on: each alone, pairs of a query, or all documents of a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, softplus
from torch.nn.utils.rnn import pad_sequence

__all__ = ["LOSSES", "Loss", "listwise", "pairwise", "pointwise"]

Loss = Literal["pointwise", "pairwise", "listwise"]


def pointwise(scores: torch.Tensor, grades: torch.Tensor, number: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Return the summed cross-entropy of documents being relevant, with how many documents there are.

    Args:
        scores: Scores of documents, `[n]`.
        grades: How relevant they are; more than 0 is relevant, `[n]`.
        number: The query of each, rising; `[n]`.
    """
    return binary_cross_entropy_with_logits(scores, (grades > 0).to(scores), reduction="sum"), len(scores)


def pairwise(scores: torch.Tensor, grades: torch.Tensor, number: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Return the summed loss of RankNet (Burges et al. 2005, section 3) over pairs of a query, and how many there are.

    Of each pair one document is more relevant than the other; arguments as for `pointwise`.
    """
    better = (grades[:, None] > grades[None, :]) & (number[:, None] == number[None, :])
    margins = (scores[:, None] - scores[None, :])[better]
    return softplus(-margins).sum(), len(margins)


def listwise(scores: torch.Tensor, grades: torch.Tensor, number: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Return the summed softmax cross-entropy over the documents of a query, and how many queries there are.

    The loss of ListNet (Cao et al. 2007, section 4) with a target in proportion to the grades (Bruch et al. 2019, "An
    Analysis of the Softmax Cross Entropy Loss for Learning-to-Rank with Binary Relevance"). Queries without a relevant
    document do not count; arguments as for `pointwise`.
    """
    counts = torch.bincount(number).tolist()
    rows = pad_sequence(scores.split(counts), batch_first=True, padding_value=-torch.inf)
    gains = pad_sequence(grades.clamp(min=0).to(scores).split(counts), batch_first=True)
    some = gains.sum(dim=1) > 0
    gains, logs = gains[some], rows[some].log_softmax(dim=1)
    share = gains / gains.sum(dim=1, keepdim=True)
    # Rows of different length are filled up with -inf, whose share is 0.
    return -(share * logs.masked_fill(share == 0, 0.0)).sum(), int(some.sum())


#: By name; the first is the usual one.
LOSSES: Mapping[str, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], tuple[torch.Tensor, int]]] = {
    "listwise": listwise,
    "pairwise": pairwise,
    "pointwise": pointwise,
}
