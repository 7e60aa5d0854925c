"""What a model makes of some queries: scores of their documents, and how good the order is that they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from autopeft.tasks.ranking.queries import Query
from autopeft.trials.faults import DivergedError
from autopeft.trials.hardware import autocast
from autopeft.trials.kind import Batch, Feed
from autopeft.trials.ranking.results import Ranked
from autopeft.trials.rerank.pairs import QueryBatch

__all__ = ["Scored", "ranked", "scores_of_pairs"]

#: Runs a model over a batch: the score of each row, the summed loss, and how many terms it has.
Scored = Callable[[Any, Batch, torch.device, str], tuple[torch.Tensor, torch.Tensor, int]]


def scores_of_pairs(model: nn.Module, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
    """Return the score of each row of a batch, `[batch]`, in fp32."""
    inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items() if key != "labels"}
    with autocast(device, precision):
        logits: torch.Tensor = model(**inputs).logits
    return logits.float().squeeze(-1)


@torch.inference_mode()
def ranked(
    model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, scored: Scored
) -> Ranked:
    """Run a model over batches of whole queries.

    Args:
        model: The model, on its device.
        split: The batches, as `batch_of_queries` makes them, each with the rows it holds.
        precision: `bf16` or `fp32`.
        feed: Called before each forward pass.
        scored: Runs the model over a batch.

    Raises:
        DivergedError: When a score is not finite.
    """
    device = next(model.parameters()).device
    found: list[tuple[int, Query, NDArray[np.float32]]] = []
    total, terms = 0.0, 0
    for rows, batch in split:
        assert isinstance(batch, QueryBatch)
        feed(rows, batch["input_ids"].shape[1])
        found_scores, lost, count = scored(model, batch, device, precision)
        scores = found_scores.cpu()
        if not torch.isfinite(scores).all():
            raise DivergedError("the scores on validation are not finite")
        total, terms = total + lost.item(), terms + count
        ends = np.cumsum([len(query.documents) for query in batch.queries])
        firsts = rows[np.concatenate([[0], ends[:-1]])].tolist()
        found += zip(firsts, batch.queries, np.split(scores.numpy(), ends[:-1]), strict=True)
    found.sort(key=lambda each: each[0])
    return Ranked([query for _, query, _ in found], [scores for *_, scores in found], total / max(1, terms))
