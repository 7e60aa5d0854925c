"""What a training loop tells methods while it trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from autopeft.methods.forward_only import ForwardOnly
from autopeft.methods.optimiser import AdapterAdamW

__all__ = ["Moment", "TrainBeforehand"]


@dataclass(frozen=True)
class Moment:
    """A step of training.

    Args:
        step: Its number, from 1.
        steps: Steps in all.
        optimiser: What makes the steps.
        epoch: Which time all examples come by, from 0.
        loss: That of the step's batch, once its gradients are there.
        sample: Draws so many training examples; what it returns measures the loss of the model as it is on them, in
            eval mode.
    """

    step: int
    steps: int
    optimiser: AdapterAdamW | ForwardOnly
    epoch: int = 0
    loss: Tensor | None = None
    sample: Callable[[int], Callable[[], float]] | None = None


class TrainBeforehand(Protocol):
    """Trains parameters for a while, with the batches and the loss of the training to come."""

    def __call__(self, parameters: Sequence[nn.Parameter], length: float) -> None:
        """Train parameters and the task head; what the head was before it becomes again.

        Args:
            parameters: What trains, at the peak learning rate of the method; left as trained.
            length: How long, as a share of the training to come.
        """
