"""Fine-tune a causal language model with transformers' Trainer and the adapter of `adapter_config.json`.

Settings are in `training.yaml`; arguments of `TrainingArguments` given on the command line win, as `--max_steps 10`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import AutoModelForCausalLM, DataCollatorForSeq2Seq

from autopeft.trials.script_main import main

#: Label of a token at which nothing is learned.
IGNORED = -100


def encoder(tokenizer: Any, settings: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, list[int]]]:
    """Return what makes tokens of a row, each with its own id as label where it is learned."""

    def encode(row: dict[str, Any]) -> dict[str, list[int]]:
        # `data` holds the text as the model reads it, and which stretches of it are learned, in characters.
        found = tokenizer(row["text"], add_special_tokens=False, return_offsets_mapping=True)
        learned = [
            any(start <= first and last <= end and first < last for start, end in row["learned"])
            for first, last in found["offset_mapping"]
        ]
        ids = found["input_ids"]
        labels = [token if mark else IGNORED for token, mark in zip(ids, learned, strict=True)]
        return {"input_ids": ids[: settings["max_length"]], "labels": labels[: settings["max_length"]]}

    return encode


def learns(row: dict[str, Any]) -> bool:
    """Tell whether anything of a row is learned; the first token follows nothing."""
    return any(label != IGNORED for label in row["labels"][1:])


if __name__ == "__main__":
    main(AutoModelForCausalLM, encoder, DataCollatorForSeq2Seq, keep=learns)
