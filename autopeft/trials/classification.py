"""Trials of classification tasks: a new task head, one label a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from autopeft.backbones import Backbone
from autopeft.tasks import METRICS, Encoded, Split, confusion, encode, score
from autopeft.trials.example_scores import scores_of_predictions
from autopeft.trials.faults import DivergedError
from autopeft.trials.hardware import autocast
from autopeft.trials.kind import Batch, Feed, Measured
from autopeft.trials.setting import TrialSetting

__all__ = ["Classification", "logits_of", "predict"]


class Classification:
    """What trials of classification tasks have of their own.

    Args:
        labels: Names of the classes.
    """

    each_token = False

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels

    def model(self, backbone: Backbone, device: torch.device) -> PreTrainedModel:
        """Return the classification model, which knows the names; its head is drawn from torch's global generator."""
        model = backbone.classifier(len(self._labels), device=device)
        model.config.id2label = dict(enumerate(self._labels))
        model.config.label2id = {label: number for number, label in enumerate(self._labels)}
        return model

    def encode(self, split: Split, tokenizer: object, max_length: int) -> Encoded:
        """Tokenise a split."""
        return encode(split, tokenizer, max_length)

    def probes(self, split: Split, tokenizer: object, setting: TrialSetting) -> tuple[()]:
        """Return nothing: one pass over the validation split says all."""
        return ()

    def terms(self, batch: Batch) -> int:
        """Return the number of texts."""
        return len(batch["labels"])

    def loss(self, model: nn.Module, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
        """Return the mean cross-entropy of a batch."""
        inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        labels = inputs.pop("labels")
        with autocast(device, precision):
            logits = model(**inputs).logits
        return cross_entropy(logits.float(), labels)

    def measure(
        self, model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Measured:
        """Return every metric, and `loss`, and which labels were taken for which."""
        labels, predictions, loss = predict(model, split, precision, feed)
        figures = {name: score(name, labels, predictions) for name in METRICS} | {"loss": loss}
        return Measured(figures, confusion(labels, predictions, len(self._labels)))

    def example_scores(
        self, model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each text a score, in the order of the rows; their mean is the metric."""
        labels, predictions, _ = predict(model, split, precision, feed)
        return scores_of_predictions(metric, labels, predictions)[
            np.argsort(np.concatenate([rows for rows, _ in split]))
        ]


def predict(
    model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
) -> tuple[np.ndarray, np.ndarray, float]:
    """Run a model over batches; arguments and errors as of `logits_of`.

    Returns:
        Labels `[n]`, predictions `[n]` and the mean cross-entropy.
    """
    truth, scores = logits_of(model, split, precision, feed)
    loss = cross_entropy(scores, truth).item()
    return truth.cpu().numpy(), scores.argmax(dim=1).cpu().numpy(), loss


@torch.inference_mode()
def logits_of(
    model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run a model over batches.

    Args:
        model: A classification model, on its device.
        split: The batches, each with the rows it holds.
        precision: `bf16` or `fp32`.
        feed: Called before each forward pass.

    Returns:
        Labels `[n]` and logits `[n, labels]`, in the order of the batches.

    Raises:
        DivergedError: When a logit is not finite.
    """
    device = next(model.parameters()).device
    labels, logits = [], []
    for rows, batch in split:
        feed(rows, batch["input_ids"].shape[1])
        inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        labels.append(inputs.pop("labels"))
        with autocast(device, precision):
            logits.append(model(**inputs).logits.float())
    truth, scores = torch.cat(labels), torch.cat(logits)
    if not torch.isfinite(scores).all():
        raise DivergedError("the logits on validation are not finite")
    return truth, scores
