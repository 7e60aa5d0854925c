"""What a model finds for some queries in all documents that they have together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autopeft.tasks.ranking.build import DEEP, query_of
from autopeft.tasks.ranking.queries import Query
from autopeft.trials.faults import DivergedError
from autopeft.trials.kind import Batch, Feed
from autopeft.trials.ranking.results import Ranked
from autopeft.trials.retrieve.contrast import SCALE
from autopeft.trials.retrieve.texts import TextBatch
from autopeft.trials.retrieve.vectors import vectors_of

__all__ = ["Places", "found", "places_of"]


@dataclass(frozen=True)
class Places:
    """Where texts are found in what a model made of some rows.

    Args:
        queries: The queries, in the order of their rows.
        vectors: Of each row its vector, `[rows, hidden]`.
        asked: The row of each query.
        documents: The row of each document by its name.
        rows: Of each query the rows of its own documents, by their names.
    """

    queries: Sequence[Query]
    vectors: torch.Tensor
    asked: Sequence[int]
    documents: dict[str, int]
    rows: Sequence[dict[str, int]]


@torch.inference_mode()
def places_of(
    model: Any, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, pooling: str
) -> Places:
    """Run a model over batches of queries and documents.

    Args:
        model: The model, on its device.
        split: The batches, as `batch_of_texts` makes them, each with the rows it holds.
        precision: `bf16` or `fp32`.
        feed: Called before each forward pass.
        pooling: What a text is made of.

    Raises:
        DivergedError: When a vector is not finite.
    """
    device = next(model.parameters()).device
    pieces: list[torch.Tensor] = []
    texts: list[tuple[int, tuple[Query, str | None]]] = []
    for rows, batch in split:
        assert isinstance(batch, TextBatch)
        feed(rows, batch["input_ids"].shape[1])
        pieces.append(vectors_of(model, batch, device, precision, pooling).cpu())
        texts += zip(rows.tolist(), batch.texts, strict=True)
    vectors = torch.cat(pieces)
    if not torch.isfinite(vectors).all():
        raise DivergedError("the vectors of validation are not finite")
    # Rows are numbered over a whole split, of which these may be some: the queries stand before their documents.
    order = sorted(range(len(texts)), key=lambda place: texts[place][0])
    queries: list[Query] = []
    asked: list[int] = []
    documents: dict[str, int] = {}
    own: list[dict[str, int]] = []
    for place in order:
        query, name = texts[place][1]
        if name is None:
            queries.append(query)
            asked.append(place)
            own.append({})
        else:
            documents.setdefault(name, place)
            own[-1][name] = place
    return Places(queries, vectors, asked, documents, own)


def found(places: Places) -> Ranked:
    """Rank all documents for each query, by their cosines."""
    # Of equal scores that comes first whose name is the later one, as in trec_eval.
    names = sorted(places.documents, reverse=True)
    rows = places.vectors[[places.documents[name] for name in names]]
    column = {name: number for number, name in enumerate(names)}
    queries, kept = [], []
    total, terms = 0.0, 0
    for query, row in zip(places.queries, places.asked, strict=True):
        scores = rows @ places.vectors[row]
        best = np.argsort(-scores.numpy(), kind="stable")[:DEEP]
        grades = dict(zip(query.documents, query.grades, strict=True)) | dict(
            zip(query.elsewhere, query.missed, strict=True)
        )
        queries.append(query_of(query.text, [names[place] for place in best], grades))
        kept.append(scores.numpy()[best])
        relevant = [column[name] for name in query.relevant if name in column]
        others = torch.ones(len(names), dtype=torch.bool)
        others[relevant] = False
        if relevant and others.any():
            rivals = (SCALE * scores[others]).logsumexp(dim=0)
            total += float(torch.nn.functional.softplus(rivals - SCALE * scores[relevant]).sum())
            terms += len(relevant)
    return Ranked(queries, kept, total / max(1, terms))
