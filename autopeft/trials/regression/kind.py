"""Trials of regression: a new head with one output, which speaks in the unit of the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch.nn.functional import mse_loss
from transformers import PretrainedConfig, PreTrainedModel

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError
from autopeft.tasks import Encoded, LabelledTexts, Task, encode
from autopeft.tasks.regression import METRICS, Scale
from autopeft.tasks.regression.metrics import mean_absolute_error
from autopeft.trials.kind import Batch
from autopeft.trials.measured import Measured
from autopeft.trials.prediction import Prediction
from autopeft.trials.regression.head import begin, in_label_unit, last_names, offset_apart
from autopeft.trials.regression.scores import scores_of_numbers
from autopeft.trials.script import Script
from autopeft.trials.text_kind import TextTrials, named_texts

__all__ = ["RegressionTrials"]

#: So many units in the last place may get lost where an offset is added.
_DIGITS = 4


class RegressionTrials(TextTrials):
    """Which number a text has."""

    does = "tells a number of texts"
    problem_type: ClassVar[str | None] = "regression"
    scripted = True
    mixes = True
    schema: Scale

    @property
    def outputs(self) -> int:
        """One number."""
        return 1

    def configure(self, config: PretrainedConfig) -> None:
        """Name the number."""
        super().configure(config)
        config.num_labels = 1
        config.id2label = {0: self.schema.label}
        config.label2id = {self.schema.label: 0}

    def check_whole(self, config: PretrainedConfig) -> None:
        """Check that there is one output."""
        if config.num_labels != 1:
            raise ConfigurationError(f"it tells {config.num_labels} labels, and not one number")

    def model(self, backbone: Backbone, device: torch.device) -> PreTrainedModel:
        """Return the model with a new head."""
        model = super().model(backbone, device)
        self.prepare(model)
        return model

    def prepare(self, model: PreTrainedModel) -> None:
        """Let the head tell numbers in the unit of the labels."""
        in_label_unit(model, self.schema.offset, self.schema.scale)

    def begin(self, model: PreTrainedModel, batches: Sequence[Batch]) -> None:
        """Let the head tell labels around their mean."""
        begin(model, self.schema.offset, self.schema.scale)

    def rate_factors(self, model: PreTrainedModel) -> dict[str, float]:
        """Return the scale for the last layer, whose steps are in the label's unit."""
        return dict.fromkeys(last_names(model), self.schema.scale)

    def encode(self, split: LabelledTexts, tokenizer: object, max_length: int) -> Encoded:
        """Tokenise texts."""
        return encode(split, tokenizer, max_length, np.float64)

    def loss_of(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean squared error of standardised numbers."""
        away = (logits.squeeze(-1).double() - labels.double()) / self.schema.scale
        return mse_loss(away, torch.zeros_like(away)).float()

    def measured(self, labels: torch.Tensor, logits: torch.Tensor) -> Measured:
        """Return every metric, and the mean absolute error in the label's unit."""
        truth, told = _numbers(labels, logits)
        figures = {name: metric(truth, told) for name, metric in METRICS.items()}
        return Measured(figures | {"mae": mean_absolute_error(truth, told)})

    def scores(self, metric: str, labels: torch.Tensor, logits: torch.Tensor) -> np.ndarray:
        """Return for each text what it has to do with a metric."""
        return scores_of_numbers(metric, *_numbers(labels, logits))

    def apart(self, expected: torch.Tensor, found: torch.Tensor) -> float:
        """Return by how much numbers differ, as a share of how far they are from the mean of the labels.

        What the last digits of numbers far from 0 cannot hold is not counted.
        """
        digits = _DIGITS * torch.finfo(expected.dtype).eps * expected.abs().max()
        size = max(self.schema.scale, float((expected - self.schema.offset).abs().max()))
        return float(((found - expected).abs() - digits).clamp(min=0).max()) / size

    def predictions(self, logits: torch.Tensor, how: Any) -> list[Prediction]:
        """Return the number of each text."""
        return [Prediction(float(number)) for number in logits.squeeze(-1).tolist()]

    def spoken(self) -> list[str]:
        """Return the lines that print the number of each text."""
        return ["for text, number in zip(texts, logits[:, 0]):", "    print(text, float(number))"]

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that let the model read two texts, and add the offset where its head has no bias."""
        lines = super().using_code(backbone, task, max_length, alone)
        if offset_apart(backbone.meta(self.outputs)):
            lines.insert(-len(self.spoken()), f"logits = logits + {self.schema.offset!r}  # its head has no bias")
        return lines

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use a pipeline, and add the offset where the head has no bias."""
        *lines, told = super().merged_code(backbone, task, max_length)
        if offset_apart(backbone.meta(self.outputs)):
            told = f'    print(found["label"], found["score"] + {self.schema.offset!r})  # its head has no bias'
        return [*lines, told]

    def script(self, task: Task, tokenizer: Any, max_length: int) -> Script:
        """Return a script for rows of texts with their numbers."""
        rows = {name: partial(_rows, task, name) for name in ("train", "validation")}
        facts = {"label": self.schema.label, "offset": self.schema.offset, "scale": self.schema.scale}
        return Script(__package__ or "", facts, rows, "text and number")


def _numbers(labels: torch.Tensor, logits: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    return labels.double().numpy(), logits.squeeze(-1).double().numpy()


def _rows(task: Task, split: str) -> Iterator[Mapping[str, Any]]:
    """Yield rows of `text`, `text2` for pairs, and `label`, which is a number."""
    found = task.splits[split]
    for text, label in zip(found.texts, found.labels, strict=True):
        yield {**named_texts(text), "label": float(label)}
