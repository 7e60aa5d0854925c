"""Fine-tune a text model to tell several labels, with transformers' Trainer and the adapter of `adapter_config.json`.

Settings are in `training.yaml`; arguments of `TrainingArguments` given on the command line win, as `--max_steps 10`.
The threshold is the one that is best on the validation examples; it is written to `config.json`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding

from autopeft.trials.script_main import main

#: Thresholds that come into question.
FINE = 201


def encoder(tokenizer: Any, settings: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """Return what makes tokens of a row, and of its labels 1 for each that it has."""
    number = {label: index for index, label in enumerate(settings["labels"])}

    def encode(row: dict[str, Any]) -> Any:
        texts = [row[column] for column in ("text", "text2") if column in row]
        found = tokenizer(*texts, truncation=True, max_length=settings["max_length"])
        labels = [0.0] * len(number)
        for label in row["labels"]:
            labels[number[label]] = 1.0
        return {**found, "labels": labels}

    return encode


def common(model: Any, settings: dict[str, Any]) -> tuple[None, None]:
    """Let a head with a bias begin with how common each label is; nothing else is to be done."""
    heads = [
        module
        for name, module in model.named_modules()
        if ".modules_to_save." in name
        and isinstance(module, nn.Linear)
        and module.out_features == len(settings["labels"])
    ]
    for head in heads[-1:]:
        if head.bias is not None:
            with torch.no_grad():
                head.bias.copy_(torch.tensor(settings["shares"]).logit())
    return None, None


def f1(labels: Any, told: Any, axis: int | None) -> float:
    """Return the mean F1 of what lies along an axis; 0 where nothing is told and nothing there."""
    right, both = (labels & told).sum(axis=axis), labels.sum(axis=axis) + told.sum(axis=axis)
    return float(np.mean(2 * right / np.maximum(both, 1)))


def figures(found: Any) -> dict[str, float]:
    """Return each F1 at its best threshold, and that threshold, of logits and labels."""
    labels, probable = found.label_ids > 0.5, 1 / (1 + np.exp(-found.predictions.astype(np.float64)))
    # Of thresholds that are as good the first, which is the lowest.
    thresholds = np.unique(np.quantile(probable, np.linspace(0, 1, FINE)))
    reached = {}
    for name, axis in (("micro_f1", None), ("macro_f1", 0), ("samples_f1", 1)):
        all_of_it = [f1(labels, probable > each, axis) for each in thresholds]
        reached[name] = max(all_of_it)
        reached[f"{name}_threshold"] = float(thresholds[int(np.argmax(all_of_it))])
    return reached


def threshold(reached: dict[str, float], settings: dict[str, Any]) -> dict[str, Any]:
    """Return the threshold for the model's config: that of the metric which the search judged by."""
    return {"label_threshold": reached[f"eval_{settings['metric']}_threshold"]}


if __name__ == "__main__":
    main(
        AutoModelForSequenceClassification,
        encoder,
        DataCollatorWithPadding,
        figures,
        unit=common,
        settle=threshold,
        problem_type=lambda settings: "multi_label_classification",
        id2label=lambda settings: dict(enumerate(settings["labels"])),
        label2id=lambda settings: {label: number for number, label in enumerate(settings["labels"])},
    )
