"""Vectors of texts, and what it costs to tell documents that are to be found from those that are not relevant."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch.nn.functional import softplus

__all__ = ["LEFT_OUT", "NEGATIVE", "QUERY", "SCALE", "TARGET", "contrasted", "mark_of", "pooled"]

#: What a document is to a query of a batch: not relevant, to be found, or relevant but not to be found here.
NEGATIVE, TARGET, LEFT_OUT = 0, 1, 2
#: What stands there in the rows of queries.
QUERY = 3

#: By what cosines are multiplied to be logits, as sentence-transformers' `MultipleNegativesRankingLoss` does.
SCALE = 20.0


def mark_of(name: str | None, own: bool, relevant: Collection[str]) -> int:
    """Return what a row is to a query.

    Args:
        name: The document; None where the row is a query.
        own: Whether it is one of the query's own.
        relevant: Documents that are relevant to the query.
    """
    if name is None:
        return QUERY
    if name not in relevant:
        return NEGATIVE
    return TARGET if own else LEFT_OUT


def pooled(states: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Return one vector a text, `[n, hidden]`.

    Args:
        states: Hidden states of the tokens, `[n, longest, hidden]`.
        mask: 1 at tokens, 0 at padding, which is on the right; `[n, longest]`.
        pooling: `mean`, `first` or `last`.
    """
    if pooling == "first":
        return states[:, 0]
    if pooling == "last":
        return states[torch.arange(len(states), device=states.device), mask.sum(dim=1) - 1]
    weights = mask.to(states).unsqueeze(-1)
    return (states * weights).sum(dim=1) / weights.sum(dim=1)


def contrasted(vectors: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
    """Return the summed cross-entropy of telling each document that is to be found from those that are not relevant.

    Those are the documents of all queries of the batch: its own hard ones and the others' (Karpukhin et al. 2020,
    "Dense Passage Retrieval", section 3.2), but for those that are relevant to the query as well.

    Args:
        vectors: Of length 1, `[batch, hidden]`.
        marks: What each row is to each query, `[batch, queries]`.
    """
    asking = (marks == QUERY).any(dim=1)
    logits = SCALE * vectors[asking] @ vectors[~asking].T
    marks = marks[~asking].T
    others = marks == NEGATIVE
    # A query with nothing to be told from has no loss, nor a gradient.
    wanted = (marks == TARGET) & others.any(dim=1, keepdim=True)
    queries, _ = wanted.nonzero(as_tuple=True)
    rivals = logits.masked_fill(~others, -torch.inf)[queries].logsumexp(dim=1)
    return softplus(rivals - logits[wanted]).sum()
