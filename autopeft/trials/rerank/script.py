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

from autopeft.trials.rerank.losses import LOSSES
from autopeft.trials.script_main import main

#: Documents that are looked at in a ranking.
DEEP = 10


def encoder(tokenizer: Any, settings: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what makes tokens of a query with each of its documents; labels are grades."""

    def encode(row: dict[str, Any]) -> dict[str, Any]:
        queries = [row["query"]] * len(row["documents"])
        found = tokenizer(queries, row["documents"], truncation=True, max_length=settings["max_length"])
        return {**found, "labels": row["grades"], "missed": row["missed"], "number": row["number"]}

    return encode


def collator(tokenizer: Any) -> Callable[[Sequence[dict[str, Any]]], dict[str, torch.Tensor]]:
    """Return what makes a batch of queries; labels are grade, number of the query, and the gain of its best order."""

    def collate(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        names = [name for name in tokenizer.model_input_names if name in rows[0]]
        batch = tokenizer.pad({name: [ids for row in rows for ids in row[name]] for name in names}, return_tensors="pt")
        labels = [
            (grade, row["number"], gain(sorted([*row["labels"], *row["missed"]], reverse=True)))
            for row in rows
            for grade in row["labels"]
        ]
        return {**batch, "labels": torch.tensor(labels, dtype=torch.float32)}

    return collate


def gain(grades: Sequence[float]) -> float:
    """Return the discounted gain of an order of documents."""
    return sum(max(grade, 0) / np.log2(place + 2) for place, grade in enumerate(grades[:DEEP]))


def on_queries(model: Any, settings: dict[str, Any]) -> tuple[Callable[..., Any], None]:
    """Return the loss, which compares the documents of a query."""

    def loss(outputs: Any, labels: Any, **_: Any) -> Any:
        scores = outputs.logits.squeeze(-1).float()
        _, number = labels[:, 1].unique_consecutive(return_inverse=True)
        total, count = LOSSES[settings["loss"]](scores, labels[:, 0], number)
        return total / max(1, count)

    return loss, None


def ranking(found: Any) -> dict[str, float]:
    """Return the mean of ndcg@10 over queries; relevant documents that are not among the candidates count as missed."""
    scores = np.asarray(found.predictions).reshape(-1)
    grades, numbers, best = found.label_ids.T
    starts = np.flatnonzero(np.diff(numbers)) + 1
    reached = [
        gain(grade[np.argsort(-score, kind="stable")]) / ideal[0] if ideal[0] > 0 else 0.0
        for score, grade, ideal in zip(*(np.split(each, starts) for each in (scores, grades, best)), strict=True)
    ]
    return {"ndcg@10": float(np.mean(reached))}


if __name__ == "__main__":
    main(
        AutoModelForSequenceClassification,
        encoder,
        collator,
        ranking,
        unit=on_queries,
        defaults={"remove_unused_columns": False, "label_names": ["labels"]},
        num_labels=lambda settings: 1,
        problem_type=lambda settings: "regression",
    )
