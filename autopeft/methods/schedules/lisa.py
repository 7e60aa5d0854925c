"""LISA: a few layers at a time, drawn alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.moment import Moment
from autopeft.methods.schedules.places import Place, by_layer
from autopeft.methods.schedules.schedule import LayerSchedule, Sizes, draw_some
from autopeft.space.vocabulary import Knob

if TYPE_CHECKING:
    from autopeft.methods.schedules.running import Running

__all__ = ["Lisa"]


class Lisa(LayerSchedule):
    """Layerwise importance sampled AdamW: every few steps some layers are drawn, the others are frozen.

    As the release does, whatever its name says, layers are drawn uniformly. What the optimiser remembers of a layer is
    dropped when it is frozen.
    """

    name = "lisa"
    source = "Pan et al. 2024, arXiv:2403.17919"
    summary = "every few steps some layers are drawn that train, the others are frozen"
    knobs = (
        Knob("layers", "int", "how many layers train at a time", default=2, low=1, range="1 | 2 | 4"),
        Knob("every", "int", "after how many steps others are drawn", default=20, low=1, range="5 | 10 | 20"),
    )

    @override
    def due(self, moment: Moment, knobs: Mapping[str, Any]) -> bool:
        """Tell whether so many steps are over."""
        return (moment.step - 1) % knobs["every"] == 0

    @override
    def draw(self, running: Running, moment: Moment) -> Collection[Place]:
        """Return what the drawn layers have."""
        layers = list(by_layer(running.places).values())
        drawn = draw_some(running.knobs["layers"], len(layers), running.generator)
        return [place for index in drawn for place in layers[index]]

    @override
    def most(self, sizes: Sizes, anatomy: Anatomy, knobs: Mapping[str, Any]) -> int:
        """Return what the largest layers have."""
        layers = sorted((sum(layer.values()) for layer in by_layer(sizes).values()), reverse=True)
        return sum(layers[: knobs["layers"]])
