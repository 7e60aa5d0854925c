"""UniPELT's gates (Mao et al. 2022, arXiv:2110.07577): what an adapter adds is scaled by what goes into it."""

from __future__ import annotations

import torch
from torch import nn

from autopeft.space.vocabulary import Knob

__all__ = ["GATE", "openness"]

GATE = Knob(
    "gate", "bool", "whether a sigmoid of the input, averaged over tokens, scales it too (UniPELT)", default=False
)


def openness(gate: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return how far a gate is open for each text, `batch x 1 x 1`, from 0 to 1; padding counts as text.

    Args:
        gate: Maps inputs to one number.
        x: The inputs, `batch x length x features`.
    """
    return torch.sigmoid(gate(x)).mean(dim=1, keepdim=True)
