"""What kinds say of a head that tells something of each example as a whole; of others there is nothing to say."""

from __future__ import annotations

from collections.abc import Callable

import torch

__all__ = ["Telling"]


class Telling:
    """How a head learns that answers each example with one row of logits."""

    @property
    def loss_of_logits(self) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None:
        """The mean loss of logits, `[n, outputs]`, against the labels of a batch; None where an example has others."""
        return None
