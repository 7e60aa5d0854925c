"""Fine-tune a text classifier with transformers' Trainer and the adapter of `adapter_config.json`.

Settings are in `training.yaml`; arguments of `TrainingArguments` given on the command line win, as `--max_steps 10`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding

from autopeft.trials.script_main import main


def encoder(tokenizer: Any, settings: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """Return what makes tokens and the number of the label of a row."""
    number = {label: index for index, label in enumerate(settings["labels"])}

    def encode(row: dict[str, Any]) -> Any:
        texts = [row[column] for column in ("text", "text2") if column in row]
        found = tokenizer(*texts, truncation=True, max_length=settings["max_length"])
        return {**found, "labels": number[row["label"]]}

    return encode


def accuracy(found: Any) -> dict[str, float]:
    """Return the share of labels that are right."""
    return {"accuracy": float((found.predictions.argmax(axis=-1) == found.label_ids).mean())}


if __name__ == "__main__":
    main(
        AutoModelForSequenceClassification,
        encoder,
        DataCollatorWithPadding,
        accuracy,
        id2label=lambda settings: dict(enumerate(settings["labels"])),
        label2id=lambda settings: {label: number for number, label in enumerate(settings["labels"])},
    )
