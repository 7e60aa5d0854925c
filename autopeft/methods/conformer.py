"""The convolution module of the Conformer (Gulati et al. 2020, arXiv:2005.08100), in a bottleneck."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

__all__ = ["Conformer"]


class Conformer(nn.Module):
    """Up(SiLU(BN(Depthwise(GLU(Down(LN(x))))))), all of them convolutions along the tokens.

    Down and Up are of one token; the depthwise one sees `kernel` tokens around each, zeros beyond the ends, and trains
    one filter for each feature of the bottleneck. In training mode the batch norm normalises by all tokens of the
    batch, padding too, and notes their statistics, by which it normalises in evaluation mode.

    Args:
        inputs: Features that it reads.
        size: Size of the bottleneck.
        outputs: Features that it gives.
        kernel: How many tokens the convolution sees.
        normed: Whether the first step is there.
    """

    def __init__(self, inputs: int, size: int, outputs: int, kernel: int, normed: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(inputs) if normed else nn.Identity()
        self.down = nn.Conv1d(inputs, 2 * size, 1)
        self.depthwise = nn.Conv1d(size, size, kernel, padding="same", groups=size)
        self.batch_norm = nn.BatchNorm1d(size)
        self.up = nn.Conv1d(size, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what it makes of `x`, `batch x length x inputs`, as `batch x length x outputs`."""
        hidden = functional.glu(self.down(self.norm(x).transpose(1, 2)), dim=1)
        hidden = functional.silu(self.batch_norm(self.depthwise(hidden)))
        found: torch.Tensor = self.up(hidden).transpose(1, 2)
        return found
