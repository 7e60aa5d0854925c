"""Fine-tune a cross-encoder to rank documents, with transformers' Trainer and the adapter of `adapter_config.json`.

Settings are in `training.yaml`; arguments of `TrainingArguments` given on the command line win, as `--max_steps 10`.
A batch is of so many queries, each with its documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification

from autopeft.trials.rerank.gain import gain_of
from autopeft.trials.rerank.losses import LOSSES
from autopeft.trials.script_main import main

#: What stands in the labels of a document: its grade, whether there is one, and the gain of the query's best order.
GRADE, THERE, BEST = range(3)


def encoder(tokenizer: Any, settings: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what makes tokens of a query with each of its documents; labels are grades."""

    def encode(row: dict[str, Any]) -> dict[str, Any]:
        queries = [row["query"]] * len(row["documents"])
        found = tokenizer(queries, row["documents"], truncation=True, max_length=settings["max_length"])
        return {**found, "labels": row["grades"], "best": row["best"]}

    return encode


def collator(tokenizer: Any) -> Callable[[Sequence[dict[str, Any]]], dict[str, torch.Tensor]]:
    """Return what makes a batch of queries: a row for each document, and labels `[queries, documents, 3]`."""

    def collate(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        names = [name for name in tokenizer.model_input_names if name in rows[0]]
        batch = tokenizer.pad({name: [ids for row in rows for ids in row[name]] for name in names}, return_tensors="pt")
        labels = torch.zeros(len(rows), max(len(row["labels"]) for row in rows), 3)
        for place, row in enumerate(rows):
            labels[place, : len(row["labels"]), GRADE] = torch.tensor(row["labels"])
            labels[place, : len(row["labels"]), THERE] = 1.0
            labels[place, :, BEST] = row["best"]
        # First, since the Trainer counts the examples of a batch by what comes first.
        return {"labels": labels, **batch}

    return collate


def on_queries(model: Any, settings: dict[str, Any]) -> tuple[Callable[..., Any], None]:
    """Return the loss, which compares the documents of a query."""

    def loss(outputs: Any, labels: Any, **_: Any) -> Any:
        there = labels[..., THERE] == 1
        number = torch.arange(len(labels), device=labels.device).unsqueeze(1).expand_as(there)
        scores = outputs.logits.squeeze(-1).float()
        total, count = LOSSES[settings["loss"]](scores, labels[..., GRADE][there], number[there])
        return total / max(1, count)

    return loss, None


def by_query(logits: Any, labels: Any) -> Any:
    """Return scores as the labels have the documents, `[queries, documents]`: the Trainer counts queries."""
    there = labels[..., THERE] == 1
    scores = torch.full(there.shape, -torch.inf, device=labels.device)
    scores[there] = logits.squeeze(-1).float()
    return scores


def ranking(found: Any) -> dict[str, float]:
    """Return the mean of ndcg@10 over queries; relevant documents that are not among the candidates count as missed."""
    reached = []
    for scores, labels in zip(found.predictions, found.label_ids, strict=True):
        there = labels[:, THERE] == 1
        order = np.argsort(-scores[there], kind="stable")
        best = labels[0, BEST]
        reached.append(gain_of(labels[there, GRADE][order]) / best if best > 0 else 0.0)
    return {"ndcg@10": float(np.mean(reached))}


if __name__ == "__main__":
    main(
        AutoModelForSequenceClassification,
        encoder,
        collator,
        ranking,
        unit=on_queries,
        predictions=by_query,
        defaults={"remove_unused_columns": False, "label_names": ["labels"]},
        num_labels=lambda settings: 1,
        problem_type=lambda settings: "regression",
    )
