"""What a serial adapter of AutoPEFT's reads: the sum that a block makes, through the norm that the block has for it."""

from __future__ import annotations

import torch
from torch import nn

from autopeft.methods.captured import Captured

__all__ = ["NormedSum"]


class NormedSum(Captured):
    """N(f + h): the output f of a sublayer plus the residual stream h, through the sublayer's own norm N.

    Args:
        norm: The norm.
        stream: The module whose input h is; it runs before f is there.
    """

    def __init__(self, norm: nn.Module, stream: nn.Module) -> None:
        super().__init__(stream)
        self._norm = norm

    def of(self, output: torch.Tensor, stream: torch.Tensor | None) -> torch.Tensor:
        """Return N(f + h); all are `batch x length x features`.

        Args:
            output: The output f.
            stream: What `take` returned.
        """
        if stream is None:
            raise RuntimeError("a serial adapter ran before the module whose input is the residual stream")
        # Past the hooks of the norm: a decoder's is the one whose input is captured.
        normed: torch.Tensor = self._norm.forward(output + stream)
        return normed
