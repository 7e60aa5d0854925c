"""A few training batches, for methods and heads that look at some before anything trains."""

from __future__ import annotations

import torch

from autopeft.tasks import Encoded
from autopeft.trials.kind import Batch, TrialKind

__all__ = ["FEW_BATCHES", "few_batches"]

#: Training batches that methods may look at before they are put in.
FEW_BATCHES = 8


def few_batches(kind: TrialKind, few: Encoded, batch_size: int, pad_id: int, device: torch.device) -> list[Batch]:
    """Return the batches of some examples, on a device.

    Args:
        kind: What the task is.
        few: The examples.
        batch_size: Examples a batch.
        pad_id: Token id that fills short texts.
        device: The device.
    """
    return [
        {key: value.to(device) for key, value in kind.collate(few, rows, pad_id).items()}
        for rows in kind.grouped(few, batch_size)
    ]
