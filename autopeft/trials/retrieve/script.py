"""Fine-tune a sentence encoder to find documents, with transformers' Trainer and the adapter of `adapter_config.json`.

Settings are in `training.yaml`; arguments of `TrainingArguments` given on the command line win, as `--max_steps 10`.
A batch is of so many queries, each with its documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn.functional import normalize
from transformers import AutoModel

from autopeft.trials.retrieve.contrast import TARGET, contrasted, mark_of, pooled
from autopeft.trials.script_main import main


def encoder(tokenizer: Any, settings: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what makes tokens of a query and, after it, of its documents."""
    prompts = settings["prompts"]

    def encode(row: dict[str, Any]) -> dict[str, Any]:
        texts = [prompts["query"] + row["query"], *(prompts["document"] + text for text in row["documents"])]
        found = tokenizer(texts, truncation=True, max_length=settings["max_length"])
        labels = [0, *(int(name in row["relevant"]) for name in row["names"])]
        return {**found, "labels": labels, "names": [None, *row["names"]], "relevant": row["relevant"]}

    return encode


def collator(tokenizer: Any) -> Callable[[Sequence[dict[str, Any]]], dict[str, torch.Tensor]]:
    """Return what makes a batch of queries; its labels are the length of each text and what it is to each query."""

    def collate(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        owners = [(place, name) for place, row in enumerate(rows) for name in row["names"]]
        names = [name for name in tokenizer.model_input_names if name in rows[0]]
        batch = dict(
            tokenizer.pad({name: [ids for row in rows for ids in row[name]] for name in names}, return_tensors="pt")
        )
        marks = [
            [mark_of(name, owner == place, row["relevant"]) for place, row in enumerate(rows)] for owner, name in owners
        ]
        lengths = batch["attention_mask"].sum(dim=1, keepdim=True)
        return batch | {"labels": torch.cat([lengths, torch.tensor(marks)], dim=1)}

    return collate


def contrast(model: Any, settings: dict[str, Any]) -> tuple[Callable[..., Any], None]:
    """Return the loss: of telling what is relevant from the other documents of a batch, by cosines."""

    def loss(outputs: Any, labels: Any, **_: Any) -> Any:
        states = outputs.last_hidden_state.float()
        lengths, marks = labels[:, :1], labels[:, 1:]
        mask = torch.arange(states.shape[1], device=states.device) < lengths
        vectors = normalize(pooled(states, mask, settings["pooling"]), dim=1)
        return contrasted(vectors, marks) / max(1, int((marks == TARGET).sum()))

    return loss, None


if __name__ == "__main__":
    main(
        AutoModel,
        encoder,
        collator,
        unit=contrast,
        defaults={"remove_unused_columns": False, "label_names": ["labels"], "prediction_loss_only": True},
    )
