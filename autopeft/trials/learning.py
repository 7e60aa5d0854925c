"""How trials of a kind learn, where that is not as the rows stand and by their loss alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import torch

from autopeft.tasks import Encoded

__all__ = ["Learning"]


class Learning:
    """What is done to training examples, and to what is learned of them.

    Attributes:
        divides: Whether a batch can go through the model in parts, and be learned as if it were whole.
        mixes: Whether examples can be mixed, their logits and their losses.
        contrasts: Whether each example has one label, by which some are alike.
    """

    divides: bool = True
    mixes: ClassVar[bool] = False
    contrasts: ClassVar[bool] = False

    def to_train(self, encoded: Encoded) -> Encoded:
        """Return the training examples as they are read while a model learns."""
        return encoded

    @property
    def varies(self) -> bool:
        """Whether training examples are read otherwise each time, so that nothing of them can be kept."""
        return False

    def by_levers(self, data: Mapping[str, Any]) -> Self:
        """Return trials that learn as the data levers of a configuration say, by its section of the data."""
        return self

    @property
    def loss_of_logits(self) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None:
        """The mean loss of logits, `[n, outputs]`, against the labels of a batch; None where an example has others."""
        return None
