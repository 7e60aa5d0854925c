"""What every method is: its words, and how it becomes a PEFT config."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTunerLayer

from autopeft.backbones import Anatomy
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import MethodWords

__all__ = ["Cells", "Knobs", "Method"]

#: The values of all knobs of a method at one place.
Knobs = Mapping[str, Any]
#: Where a method sits in a backbone, and with which knobs.
Cells = Mapping[Cell, Knobs]


class Method(ABC):
    """A way to adapt a backbone, put in by PEFT.

    Attributes:
        words: Its name and knobs, for the search-space language.
        order: Where it stands when several methods wrap the same module: lower is nearer the
            backbone's weights.
        layer_class: The PEFT layer that wraps an adapted module.
        identity_at_start: Whether the logits right after `apply` are those of the backbone, to the bit.
        mergeable: Whether it can be folded into the backbone's weights after training.
    """

    words: ClassVar[MethodWords]
    order: ClassVar[int]
    layer_class: ClassVar[type[BaseTunerLayer]]
    identity_at_start: ClassVar[bool]
    mergeable: ClassVar[bool]

    @abstractmethod
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the full names of the modules that a cell wraps or reads."""

    @abstractmethod
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> PeftConfig:
        """Return the PEFT config that puts in exactly these cells.

        Args:
            cells: At least one place with its knobs.
            anatomy: The resolved anatomy of the backbone.
        """


def shared_knob(cells: Cells, name: str) -> Any:
    """Return the value of a knob that is the same at every place."""
    return next(iter(cells.values()))[name]
