"""Fine-tune a language model to say how relevant documents are, with transformers' Trainer and `adapter_config.json`.

Settings are in `training.yaml`; arguments of `TrainingArguments` given on the command line win, as `--max_steps 10`.
A batch is of so many queries, each with its documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from autopeft.trials.rerank.answered import answered
from autopeft.trials.script_main import main

#: Label of a token at which nothing is learned.
IGNORED = -100


def encoder(tokenizer: Any, settings: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what makes tokens of a query with each of its documents, the question and the right answer."""
    begin, tail, answers = settings["begin"], settings["question"], settings["answers"]
    room = settings["max_length"] - len(begin) - len(tail) - 1

    def encode(row: dict[str, Any]) -> dict[str, Any]:
        texts = [settings["text"].format(query=row["query"], document=each) for each in row["documents"]]
        heads = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        ids = [[*begin, *head[:room], *tail, answers[right]] for head, right in zip(heads, row["answers"], strict=True)]
        return {"input_ids": ids, "labels": [[IGNORED] * (len(each) - 1) + each[-1:] for each in ids]}

    return encode


def collator(tokenizer: Any) -> Callable[[Sequence[dict[str, Any]]], dict[str, torch.Tensor]]:
    """Return what makes a batch of queries."""

    def collate(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        batch = tokenizer.pad(
            {"input_ids": [ids for row in rows for ids in row["input_ids"]]}, padding_side="right", return_tensors="pt"
        )
        labels = [torch.tensor(each) for row in rows for each in row["labels"]]
        padded = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=IGNORED)
        return {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"], "labels": padded}

    return collate


def answering(model: Any, settings: dict[str, Any]) -> tuple[Callable[..., Any], None]:
    """Return the loss, of the right answers."""

    def loss(outputs: Any, labels: Any, **_: Any) -> Any:
        asked = labels[:, 1:] != IGNORED
        told, right = outputs.logits[:, :-1][asked], labels[:, 1:][asked]
        return answered(told, right, settings["answers"], graded=settings["graded"]) / max(1, len(right))

    return loss, None


if __name__ == "__main__":
    main(
        AutoModelForCausalLM,
        encoder,
        collator,
        unit=answering,
        defaults={"remove_unused_columns": False, "label_names": ["labels"], "prediction_loss_only": True},
    )
