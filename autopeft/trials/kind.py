"""What trials of one kind of task have of their own: model, encoding, loss and metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from autopeft.tasks import Encoded
from autopeft.trials.probe import Probe
from autopeft.trials.setting import TrialSetting

__all__ = ["Batch", "Feed", "Kind", "Measured"]

Batch = dict[str, torch.Tensor]

#: Called with the rows of a batch and its padded length before each forward pass over it.
Feed = Callable[[np.ndarray, int], None]


class Measured(NamedTuple):
    """What a model reached on a split.

    Args:
        figures: Every metric, and `loss`.
        confusion: Where labels are told, how often each was taken for which: counts `[true, predicted]`.
    """

    figures: dict[str, float]
    confusion: NDArray[np.int64] | None = None


class Kind(Protocol):
    """How models for a kind of task are loaded, trained and measured.

    Attributes:
        each_token: Whether what every token becomes in the top layer is read, not only what the text as a whole does.
    """

    each_token: bool

    def model(self, backbone: Any, device: torch.device) -> PreTrainedModel:
        """Return the model that trials adapt, with its weights, in eval mode on its device."""

    def encode(self, split: Any, tokenizer: Any, max_length: int) -> Encoded:
        """Tokenise a split of the task."""

    def probes(self, split: Any, tokenizer: Any, setting: TrialSetting) -> Sequence[Probe]:
        """Return what else is measured, on some examples of the validation split that were drawn for the setting.

        Raises:
            DataError: When the examples do not allow it.
        """

    def terms(self, batch: Batch) -> int:
        """Return over how much the loss of a batch is a mean."""

    def loss(self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
        """Return the mean cross-entropy of a batch."""

    def measure(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Measured:
        """Return what a model reaches over batches, each with the rows it holds.

        Raises:
            DivergedError: When a logit is not finite.
        """

    def example_scores(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each example a score, in the order of the rows; their mean is the metric.

        Raises:
            DivergedError: When a logit is not finite.
        """
