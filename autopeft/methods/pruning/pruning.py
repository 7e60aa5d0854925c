"""What every pruning of frozen weights is: what becomes 0, and what that saves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from autopeft.methods.pruning.matrices import Heads, Matrix
from autopeft.space.vocabulary import Knob

__all__ = ["AT", "Pruning", "Saved", "Weights"]


class Weights(NamedTuple):
    """The weights of a model and what adapters add to them, by full names of modules.

    Args:
        weight: Returns the weight of a matrix, `[outputs, inputs]`.
        update: Returns what adapters add to it, likewise; None where nothing that can be folded into it does.
        generator: Draws what is drawn.
    """

    weight: Callable[[str], Tensor]
    update: Callable[[str], Tensor | None]
    generator: torch.Generator


class Saved(NamedTuple):
    """What a pruning saves.

    Args:
        zeros: Weights of the backbone that are 0.
        bits: Of the masks that are stored.
        flops: FLOPs of a forward of one text of so many tokens.
    """

    zeros: int
    bits: int
    flops: int


#: The knob of when it is done.
AT = Knob(
    "at",
    "float",
    "after which share of the steps it is done; what adapters have learned by then tells what matters",
    default=0.5,
    low=0.0,
    high=0.9,
)


class Pruning(ABC):
    """A way to choose what of the frozen weights becomes 0, when a part of the training is over.

    Attributes:
        name: Its word in configurations.
        source: The paper.
        summary: What it does, in words.
        knobs: Its knobs, `at` among them.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    summary: ClassVar[str]
    knobs: ClassVar[tuple[Knob, ...]]

    @abstractmethod
    def choose(
        self, weights: Weights, matrices: Sequence[Matrix], heads: Heads, knobs: Mapping[str, Any]
    ) -> dict[str, Tensor]:
        """Return what becomes 0: masks by names of modules, of weights `[outputs, inputs]` or of heads `[heads]`.

        Args:
            weights: The weights.
            matrices: Those of the layers.
            heads: The heads of each layer.
            knobs: Its knobs.
        """

    @abstractmethod
    def shapes(self, matrices: Sequence[Matrix], heads: Heads) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the masks that `choose` makes, by names of modules; arguments likewise."""

    @abstractmethod
    def check(
        self, chosen: Mapping[str, Tensor], matrices: Sequence[Matrix], heads: Heads, knobs: Mapping[str, Any]
    ) -> None:
        """Check that masks of the right shapes hold as much as `choose` does; arguments likewise.

        Raises:
            ValueError: They do not.
        """

    @abstractmethod
    def saved(self, matrices: Sequence[Matrix], heads: Heads, knobs: Mapping[str, Any], tokens: int) -> Saved:
        """Return what it saves.

        Args:
            matrices: The matrices of the layers.
            heads: The heads of each layer.
            knobs: Its knobs.
            tokens: Length of the text.

        Raises:
            ValueError: When there is not so much to prune.
        """
