"""Trials of several labels: a new head with one logit a label, and one threshold for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import PreTrainedModel

from autopeft.backbones import Backbone, head_parameters
from autopeft.errors import ConfigurationError
from autopeft.tasks import Encoded, LabelledTexts, Task, encode
from autopeft.tasks.multilabel import METRICS, Labels, Multilabel, indicators
from autopeft.trials.card_code import OTHER, TEXTS, trusting
from autopeft.trials.kind import Batch, Feed
from autopeft.trials.measured import LabelResult, Measured
from autopeft.trials.multilabel.scores import scores_of_sets
from autopeft.trials.multilabel.threshold import THRESHOLD, best_threshold
from autopeft.trials.named_labels import NamedLabels
from autopeft.trials.prediction import Prediction
from autopeft.trials.script import Script
from autopeft.trials.text_kind import TextTrials, named_texts

__all__ = ["MultilabelTrials"]

#: No label is taken to be rarer, nor as common as all texts but these.
_RAREST = 1e-3


class MultilabelTrials(NamedLabels, TextTrials):
    """Which of some labels a text has, as many as apply."""

    does = "tells the labels of texts"
    problem_type: ClassVar[str | None] = "multi_label_classification"
    scripted = True
    mixes = True
    settles = (THRESHOLD,)
    schema: Labels

    _threshold: float | None = None

    def encode(self, split: LabelledTexts, tokenizer: object, max_length: int) -> Encoded:
        """Tokenise texts; labels are 1 where a text has them, uint8 `[texts, labels]`."""
        encoded = encode(LabelledTexts(split.texts, [0] * len(split)), tokenizer, max_length)
        return replace(encoded, labels=indicators(split.labels, self.outputs).astype(np.uint8))

    @torch.no_grad()
    def begin(self, model: PreTrainedModel, batches: Sequence[Batch]) -> None:
        """Let a head with a bias begin with how common each label is, or short trials learn little but that.

        Source: Lin et al. 2017, "Focal loss for dense object detection", section 4.1.
        """
        having = torch.cat([batch["labels"] for batch in batches])
        shares = torch.from_numpy(_shares(having.cpu().numpy()))
        biases = [each for each in head_parameters(model).values() if each.shape == shares.shape]
        for bias in biases[-1:]:
            bias.copy_(shares.logit())

    def loss_of(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean binary cross-entropy over texts and labels."""
        return binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))

    def measure(
        self, model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Measured:
        """Return every metric, and `loss`, at the model's threshold; at the best one here where it has none."""
        return super(MultilabelTrials, self._going_by(model)).measure(model, split, precision, feed)

    def example_scores(
        self, model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each text a score at the model's threshold, in the order of the rows; their mean is the metric."""
        return super(MultilabelTrials, self._going_by(model)).example_scores(model, split, precision, feed, metric)

    def measured(self, labels: torch.Tensor, logits: torch.Tensor) -> Measured:
        """Return every metric, the result by label, and the threshold where it was chosen here."""
        truth, probable = _truth(labels), _probabilities(logits)
        settled = {} if self._threshold is not None else {THRESHOLD: best_threshold(self._judged, truth, probable)}
        told = probable > (self._threshold if self._threshold is not None else settled[THRESHOLD])
        counts = [each.sum(axis=0) for each in (truth & told, told, truth)]
        by_label = tuple(
            LabelResult.of(label, *map(int, those)) for label, *those in zip(self.schema.labels, *counts, strict=True)
        )
        return Measured({name: metric(truth, told) for name, metric in METRICS.items()}, by_label, settled=settled)

    def scores(self, metric: str, labels: torch.Tensor, logits: torch.Tensor) -> np.ndarray:
        """Return for each text what it has to do with a metric."""
        if self._threshold is None:
            raise ConfigurationError(f"the model has no {THRESHOLD}, which is chosen on validation when training ends")
        return scores_of_sets(metric, _truth(labels), _probabilities(logits) > self._threshold)

    def predictions(self, logits: torch.Tensor, how: Mapping[str, Any]) -> list[Prediction]:
        """Return the labels above the threshold, the most probable first, and the probabilities of all."""
        names, found = self.schema.labels, []
        for row in _probabilities(logits):
            best = np.argsort(-row, kind="stable")
            told = [names[number] for number in best if row[number] > how[THRESHOLD]]
            found.append(Prediction(told, {names[number]: float(row[number]) for number in best}))
        return found

    def spoken(self) -> list[str]:
        """Return the lines that print the labels of each text."""
        return [
            "for text, probabilities in zip(texts, logits.sigmoid()):",
            f"    told = [number for number, each in enumerate(probabilities) if each > config.{THRESHOLD}]",
            "    print(text, {config.id2label[number]: float(probabilities[number]) for number in told})",
        ]

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use a pipeline."""
        pair = len(self.schema.columns) > 1
        texts = f'[{{"text": text, "text_pair": {OTHER}}} for text in texts]' if pair else "texts"
        return [
            "from transformers import pipeline",
            "",
            f'classify = pipeline("text-classification", model="."{trusting(backbone)})',
            f"threshold = classify.model.config.{THRESHOLD}",
            f"texts = {TEXTS}",
            f'how = {{"top_k": None, "function_to_apply": "sigmoid", "truncation": True, "max_length": {max_length}}}',
            f"for text, found in zip(texts, classify({texts}, **how)):",
            '    print(text, {each["label"]: each["score"] for each in found if each["score"] > threshold})',
        ]

    def card_sections(self) -> list[str]:
        """Say how labels are told, and list them."""
        title, listed = super().card_sections()
        return [
            title,
            f"A text has each label whose probability, the sigmoid of its logit, is above `{THRESHOLD}` of "
            "`config.json`: none, one or several.",
            listed,
        ]

    def script(self, task: Task, tokenizer: Any, max_length: int) -> Script:
        """Return a script for rows of texts with the names of their labels."""
        rows = {name: partial(_rows, task, name) for name in ("train", "validation")}
        shares = _shares(indicators(task.train.labels, self.outputs)).tolist()
        facts = {"labels": list(self.schema.labels), "shares": shares, "metric": self._judged}
        return Script(__package__ or "", facts, rows, "text and labels")

    @property
    def _judged(self) -> str:
        return self.metric or Multilabel().usual

    def _going_by(self, model: nn.Module) -> MultilabelTrials:
        """Return trials with the threshold that a model has, if it has one."""
        found = copy(self)
        found._threshold = getattr(model.config, THRESHOLD, None)
        return found


def _truth(labels: torch.Tensor) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = labels.bool().cpu().numpy()
    return found


def _probabilities(logits: torch.Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = logits.double().sigmoid().cpu().numpy()
    return found


def _shares(having: NDArray[Any]) -> NDArray[np.float64]:
    """Return how common each label is, neither 0 nor 1: as if one text more had each as much as texts have labels."""
    found: NDArray[np.float64] = (having.sum(axis=0) + having.mean()) / (len(having) + 1)
    return found.clip(_RAREST, 1 - _RAREST)


def _rows(task: Task, split: str) -> Iterator[Mapping[str, Any]]:
    """Yield rows of `text`, `text2` for pairs, and `labels`, which is a list of names."""
    found, names = task.splits[split], task.schema.labels
    for text, labels in zip(found.texts, found.labels, strict=True):
        yield {**named_texts(text), "labels": [names[number] for number in labels]}
