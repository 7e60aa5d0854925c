"""What becomes of trained adapters before they are measured for the last time."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from autopeft.methods import adapter_parameters, compress
from autopeft.methods.builder import applied
from autopeft.methods.compression import COMPRESSION
from autopeft.trials.faults import DivergedError

__all__ = ["finish"]


def finish(model: PreTrainedModel) -> None:
    """Compress the adapters of a trained model, where its configuration says so.

    Raises:
        DivergedError: When they are no numbers: what is none is never among the largest, and would be taken for 0.
    """
    if COMPRESSION.asked(applied(model).configuration.training) is None:
        return
    if not all(bool(torch.isfinite(each).all()) for each in adapter_parameters(model).values()):
        raise DivergedError("the adapters are not finite")
    compress(model)
