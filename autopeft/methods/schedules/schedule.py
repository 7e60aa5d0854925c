"""What a layer schedule is: which of what trains is trained at a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from autopeft.backbones import Anatomy
from autopeft.methods.moment import Moment
from autopeft.methods.schedules.places import Place
from autopeft.space.vocabulary import Knob

if TYPE_CHECKING:
    from autopeft.methods.schedules.running import Running

__all__ = ["LayerSchedule", "Sizes", "draw_some"]

#: How many parameters there are at each place.
Sizes = Mapping[Place, int]


class LayerSchedule(ABC):
    """Decides which places train at a step; what lies outside the layers always does.

    Attributes:
        name: The word of the knob `schedule` that asks for it.
        source: The paper.
        summary: One line for people.
        knobs: Its knobs; in spaces their names begin with its own and an underscore.
        suppresses: Whether it suppresses what adapters of some layers add, to see what that does.
        keeps_moments: Whether what the optimiser remembers of a parameter outlives a time in which it is frozen.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    summary: ClassVar[str]
    knobs: ClassVar[tuple[Knob, ...]]
    suppresses: ClassVar[bool] = False
    keeps_moments: ClassVar[bool] = False

    @abstractmethod
    def due(self, moment: Moment, knobs: Mapping[str, Any]) -> bool:
        """Tell whether what trains is drawn anew before a step."""

    @abstractmethod
    def draw(self, running: Running, moment: Moment) -> Collection[Place]:
        """Draw the places that train from a step on.

        Args:
            running: The schedule at work: its places, knobs and generator.
            moment: The step.
        """

    @abstractmethod
    def most(self, sizes: Sizes, anatomy: Anatomy, knobs: Mapping[str, Any]) -> int:
        """Return the most parameters of the layers that a draw can have.

        Args:
            sizes: What there is at each place.
            anatomy: The resolved anatomy of the backbone.
            knobs: Its knobs.
        """


def draw_some(count: int, of: int, generator: torch.Generator) -> list[int]:
    """Draw so many of the numbers below `of`, each alike, without putting back."""
    drawn: list[int] = torch.randperm(of, generator=generator)[:count].tolist()
    return drawn
