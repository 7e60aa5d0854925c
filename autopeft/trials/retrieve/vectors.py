"""Texts as vectors, and what training them costs."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.nn.functional import normalize, softplus
from transformers import PreTrainedModel

from autopeft.trials.hardware import autocast
from autopeft.trials.retrieve.texts import NEGATIVE, QUERY, TARGET

__all__ = ["SCALE", "contrasted", "pooled", "vectors_of"]

#: By what cosines are multiplied to be logits, as sentence-transformers' `MultipleNegativesRankingLoss` does.
SCALE = 20.0


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


def vectors_of(
    model: PreTrainedModel, batch: Mapping[str, torch.Tensor], device: torch.device, precision: str, pooling: str
) -> torch.Tensor:
    """Return the vector of each text of a batch, of length 1, `[batch, hidden]`, in fp32."""
    inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items() if key != "labels"}
    with autocast(device, precision):
        states: torch.Tensor = model(**inputs).last_hidden_state
    return normalize(pooled(states.float(), inputs["attention_mask"], pooling), dim=1)


def contrasted(vectors: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
    """Return the summed cross-entropy of telling each document that is to be found from those that are not relevant.

    Those are the documents of all queries of the batch: its own hard ones and the others' (Karpukhin et al. 2020,
    "Dense Passage Retrieval", section 3.2), but for those that are relevant to the query as well.

    Args:
        vectors: Of length 1, `[batch, hidden]`.
        marks: What each row is to each query, as `TextBatch` has them, `[batch, queries]`.
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
