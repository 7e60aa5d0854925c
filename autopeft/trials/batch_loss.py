"""The loss of a batch as the levers of a configuration make it of a head's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from autopeft.levers import AUGMENT, CONTRASTIVE
from autopeft.trials.contrast import reading, supervised
from autopeft.trials.mixing import mixed, mixed_share

__all__ = ["PLAIN", "BatchLoss"]


@dataclass(frozen=True)
class BatchLoss:
    """What is learned of a batch beside the loss of its examples.

    Args:
        alpha: Parameter of how examples are mixed; None where they are not.
        weight: By what the contrastive term is multiplied; None where there is none.
        temperature: By what cosines are divided there.
    """

    alpha: float | None = None
    weight: float | None = None
    temperature: float = 1.0

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> BatchLoss:
        """Return what the section of the data of a configuration asks for."""
        augment, contrastive = AUGMENT.asked(data), CONTRASTIVE.asked(data)
        alpha = augment.knobs["alpha"] if augment is not None and not augment.word.rewrites else None
        if contrastive is None:
            return cls(alpha)
        return cls(alpha, contrastive.knobs["weight"], contrastive.knobs["temperature"])

    def __call__(
        self,
        model: Any,
        answer: Callable[[], torch.Tensor],
        labels: torch.Tensor,
        loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    ) -> torch.Tensor:
        """Return the mean loss of a batch.

        Args:
            model: The model.
            answer: Returns its logits, `[n, outputs]`.
            labels: What is to be told of each example, `[n, ...]`.
            loss_of: The mean loss of logits against labels.
        """
        with nullcontext() if self.weight is None else reading(model) as read:
            raw = answer()
        logits = raw.float()
        if self.alpha is None:
            loss = loss_of(logits, labels)
        else:
            loss = mixed(logits, labels, mixed_share(self.alpha), loss_of)
        if read is None or self.weight is None:
            return loss
        return loss + self.weight * supervised(read.pooled(raw), labels, self.temperature)


#: The loss of the examples alone.
PLAIN = BatchLoss()
