"""What kinds have in common that train a new head to tell something of a text, or of two."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones import Backbone
from autopeft.tasks import Encoded, LabelledTexts, Task, encode
from autopeft.trials.batch_loss import PLAIN, BatchLoss
from autopeft.trials.card_code import ALONE, OTHER, TEXTS, trusting
from autopeft.trials.faults import DivergedError
from autopeft.trials.hardware import autocast
from autopeft.trials.kind import Batch, Feed, TrialKind, width_of
from autopeft.trials.measured import Measured
from autopeft.trials.predicting import cut_texts, parts_of
from autopeft.trials.prediction import Prediction, Ready
from autopeft.trials.setting import TrialSetting, choose_setting

__all__ = ["TextTrials", "logits_of", "named_texts"]


class TextTrials(TrialKind):
    """A new head on a text model, which answers a text with one row of logits."""

    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    pipeline: ClassVar[str] = "text-classification"

    #: What is learned of a batch.
    batch_loss: BatchLoss = PLAIN

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many logits a text is answered with."""

    @abstractmethod
    def loss_of(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of logits, `[n, outputs]`, against labels as `encode` made them."""

    @property
    def loss_of_logits(self) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """The mean loss of logits against labels."""
        return self.loss_of

    @abstractmethod
    def measured(self, labels: torch.Tensor, logits: torch.Tensor) -> Measured:
        """Return every metric but the loss; arguments as for `loss_of`."""

    @abstractmethod
    def scores(self, metric: str, labels: torch.Tensor, logits: torch.Tensor) -> np.ndarray:
        """Return for each text a score whose mean is the metric, float64 `[n]`; arguments as for `loss_of`."""

    @abstractmethod
    def predictions(self, logits: torch.Tensor, how: Any) -> list[Prediction]:
        """Return what logits say of each text; `how` as `use` had said."""

    @abstractmethod
    def spoken(self) -> list[str]:
        """Return the lines of Python that say what `logits` tell of each of `texts`, by `config`."""

    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[TrialSetting, tuple[str, ...]]:
        """Choose a trial on texts of a usual length."""
        return choose_setting(task, tokenizer, least=self.least_examples(task), **asked), ()

    def least_examples(self, task: Task) -> int:
        """Return how many training examples a trial needs at least, whatever the length of the texts."""
        return 0

    def model(self, backbone: Backbone, device: torch.device) -> PreTrainedModel:
        """Return the model with a new head, which is drawn from torch's global generator."""
        model = backbone.classifier(self.outputs, device=device)
        self.configure(model.config)
        return model

    def encode(self, split: LabelledTexts, tokenizer: object, max_length: int) -> Encoded:
        """Tokenise texts."""
        return encode(split, tokenizer, max_length)

    def loss(self, model: nn.Module, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
        """Return the mean loss of a batch."""
        inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        labels = inputs.pop("labels")

        def answer() -> torch.Tensor:
            with autocast(device, precision):
                logits: torch.Tensor = model(**inputs).logits
            return logits

        return self.batch_loss(model, answer, labels, self.loss_of)

    def by_levers(self, data: Mapping[str, Any]) -> Self:
        """Return trials that learn as the data levers of a configuration say."""
        found = copy(self)
        found.batch_loss = BatchLoss.of(data)
        # The contrastive term compares all examples of a batch.
        found.divides = self.divides and found.batch_loss.weight is None
        return found

    def measure(
        self, model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Measured:
        """Return every metric, and `loss`."""
        labels, logits = logits_of(model, split, precision, feed)
        loss = self.loss_of(logits, labels).item()
        found = self.measured(labels.cpu(), logits.cpu())
        found.figures["loss"] = loss
        return found

    def example_scores(
        self, model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each text a score, in the order of the rows; their mean is the metric."""
        labels, logits = logits_of(model, split, precision, feed)
        order = np.argsort(np.concatenate([rows for rows, _ in split]))
        return self.scores(metric, labels.cpu(), logits.cpu())[order]

    def own_loading(self) -> tuple[str, str]:
        """Return how the model is made with autopeft."""
        return "load_backbone", f"classifier({self.outputs})"

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that let the model read two texts."""
        pair = len(self.schema.columns) > 1
        cut = f"truncation=True, max_length={max_length}"
        if alone:
            given = f"text, {OTHER}" if pair else "text"
            read = [
                *ALONE,
                "with torch.inference_mode():",
                f'    each = [tokenizer({given}, {cut}, return_tensors="pt") for text in texts]',
                "    logits = torch.cat([model(**inputs).logits for inputs in each])",
            ]
        else:
            given = f"texts, [{OTHER}] * len(texts)" if pair else "texts"
            read = [
                f'inputs = tokenizer({given}, {cut}, padding=True, return_tensors="pt")',
                "with torch.inference_mode():",
                "    logits = model(**inputs).logits",
            ]
        return [f"texts = {TEXTS}", *read, *self.spoken()]

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use a pipeline."""
        pair = len(self.schema.columns) > 1
        texts = f'[{{"text": text, "text_pair": {OTHER}}} for text in texts]' if pair else "texts"
        return [
            "from transformers import pipeline",
            "",
            f'classify = pipeline("text-classification", model="."{trusting(backbone)})',
            f"texts = {TEXTS}",
            f"for found in classify({texts}, truncation=True, max_length={max_length}):",
            '    print(found["label"], found["score"])',
        ]

    def predict(
        self, ready: Ready, split: LabelledTexts, **asked: Any
    ) -> tuple[Sequence[Prediction | None], tuple[str, ...]]:
        """Return what the model tells of texts, and how many of them were cut."""
        if not len(split):
            return [], ()
        encoded, parts = parts_of(self, ready, split, asked)
        _, logits = logits_of(ready.model, parts, ready.precision, lambda rows, longest: None)
        in_order = torch.empty_like(logits)
        in_order[torch.as_tensor(np.concatenate([rows for rows, _ in parts]), device=logits.device)] = logits
        return self.predictions(in_order, ready.how), cut_texts(encoded, "texts", ready.max_length)


def named_texts(text: str | tuple[str, ...]) -> dict[str, str]:
    """Return a text, or two, as fields of a row."""
    return dict(zip(("text", "text2"), (text,) if isinstance(text, str) else text, strict=False))


@torch.inference_mode()
def logits_of(
    model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run a model over batches.

    Args:
        model: A model with one row of logits a text, on its device.
        split: The batches, each with the rows it holds.
        precision: `bf16` or `fp32`.
        feed: Called before each forward pass.

    Returns:
        Labels `[n, ...]` and logits `[n, outputs]`, in the order of the batches.

    Raises:
        DivergedError: When a logit is not finite.
    """
    device = next(model.parameters()).device
    labels, logits = [], []
    for rows, batch in split:
        feed(rows, width_of(batch))
        inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        labels.append(inputs.pop("labels"))
        with autocast(device, precision):
            logits.append(model(**inputs).logits.float())
    truth, scores = torch.cat(labels), torch.cat(logits)
    if not torch.isfinite(scores).all():
        raise DivergedError("the logits on validation are not finite")
    return truth, scores
