"""Fine-tune a text model to tell numbers, with transformers' Trainer and the adapter of `adapter_config.json`.

Settings are in `training.yaml`; arguments of `TrainingArguments` given on the command line win, as `--max_steps 10`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding

from autopeft.trials.script_main import main


def encoder(tokenizer: Any, settings: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """Return what makes tokens of a row, with its number."""

    def encode(row: dict[str, Any]) -> Any:
        texts = [row[column] for column in ("text", "text2") if column in row]
        found = tokenizer(*texts, truncation=True, max_length=settings["max_length"])
        return {**found, "labels": row["label"]}

    return encode


def standardised(model: Any, settings: dict[str, Any]) -> tuple[Callable[..., Any], Callable[[], None]]:
    """Return the loss on standardised numbers, and what makes the head tell them in their own unit."""
    [last] = [
        module
        for name, module in model.named_modules()
        if ".modules_to_save." in name and isinstance(module, nn.Linear) and module.out_features == 1
    ]
    offset, scale = settings["offset"], settings["scale"]

    def loss(outputs: Any, labels: Any, **_: Any) -> Any:
        wanted = (labels - offset) / scale
        return nn.functional.mse_loss(outputs.logits.squeeze(-1).float(), wanted.float())

    def finish() -> None:
        bias: nn.Parameter | None = last.bias
        with torch.no_grad():
            last.weight.mul_(scale)
            if bias is not None:
                bias.mul_(scale).add_(offset)
            else:
                print(f"The head has no bias: add {offset!r} to what the model tells.")

    return loss, finish


def correlation(found: Any) -> dict[str, float]:
    """Return the correlation of the numbers that are told with those that are right."""
    told = np.asarray(found.predictions).reshape(-1)
    return {"pearson": float(np.corrcoef(told, found.label_ids)[0, 1])}


if __name__ == "__main__":
    main(
        AutoModelForSequenceClassification,
        encoder,
        DataCollatorWithPadding,
        correlation,
        unit=standardised,
        num_labels=lambda settings: 1,
        problem_type=lambda settings: "regression",
        id2label=lambda settings: {0: settings["label"]},
        label2id=lambda settings: {settings["label"]: 0},
    )
