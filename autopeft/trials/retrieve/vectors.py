"""Texts as vectors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.nn.functional import normalize
from transformers import PreTrainedModel

from autopeft.trials.hardware import autocast
from autopeft.trials.retrieve.contrast import pooled

__all__ = ["vectors_of"]


def vectors_of(
    model: PreTrainedModel, batch: Mapping[str, torch.Tensor], device: torch.device, precision: str, pooling: str
) -> torch.Tensor:
    """Return the vector of each text of a batch, of length 1, `[batch, hidden]`, in fp32."""
    inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items() if key != "labels"}
    with autocast(device, precision):
        states: torch.Tensor = model(**inputs).last_hidden_state
    return normalize(pooled(states.float(), inputs["attention_mask"], pooling), dim=1)
