"""Fine-tune a model that tags words with transformers' Trainer and the adapter of `adapter_config.json`.

Settings are in `training.yaml`; arguments of `TrainingArguments` given on the command line win, as `--max_steps 10`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import AutoModelForTokenClassification, DataCollatorForTokenClassification

from autopeft.trials.script_main import main

#: Label of a token at which nothing is learned.
IGNORED = -100


def encoder(tokenizer: Any, settings: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """Return what makes tokens of the words of a row; the first token of a word with a tag has its number."""
    number = {label: index for index, label in enumerate(settings["labels"])}

    def encode(row: dict[str, Any]) -> Any:
        # The words of `data` are as the tokenizer reads them, some after a blank; a long sentence is several rows.
        found = tokenizer(row["tokens"], is_split_into_words=True, truncation=True, max_length=settings["max_length"])
        labels = []
        before = None
        for word in found.word_ids():
            tag = None if word is None or word == before else row["tags"][word]
            labels.append(IGNORED if tag is None else number[tag])
            before = word
        return {**found, "labels": labels}

    return encode


def accuracy(found: Any) -> dict[str, float]:
    """Return the share of words whose tag is right."""
    told = found.label_ids != IGNORED
    right = found.predictions.argmax(axis=-1)[told] == found.label_ids[told]
    return {"token_accuracy": float(right.mean())}


if __name__ == "__main__":
    main(
        AutoModelForTokenClassification,
        encoder,
        DataCollatorForTokenClassification,
        accuracy,
        id2label=lambda settings: dict(enumerate(settings["labels"])),
        label2id=lambda settings: {label: number for number, label in enumerate(settings["labels"])},
    )
