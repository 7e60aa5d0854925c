"""HFT, half fine-tuning: half of what a layer has trains in a round, then another half."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.moment import Moment
from autopeft.methods.schedules.places import ATTENTION, FFN, NORMS, Place, by_layer, category_of
from autopeft.methods.schedules.schedule import LayerSchedule, Sizes, draw_some
from autopeft.space.vocabulary import Knob

if TYPE_CHECKING:
    from autopeft.methods.schedules.running import Running

__all__ = ["Hft"]

#: Shares of whole numbers may lie that far below a whole number.
_ROUNDING = 1e-9


class Hft(LayerSchedule):
    """Freezes a share of the attention's matrices, of the feed-forward network's and of the norms of every layer.

    Where a layer cannot have exactly its share frozen, some layers have one more frozen than the others, such that all
    together come as near to it from below as they can: of three matrices half are two in each second layer, one in
    the others. Frozen is a module with its bias.
    """

    name = "hft"
    source = "Hui et al. 2024, arXiv:2404.18466"
    summary = "in each round a share of the matrices and norms of every layer is frozen"
    knobs = (
        Knob("frozen", "float", "the share that is frozen", default=0.5, low=0.0, high=0.9, range="0.3 | 0.5 | 0.7"),
        Knob("rounds", "int", "how often what is frozen is drawn", default=2, low=1, range="1 | 2 | 4"),
        Knob(
            "unit",
            "choice",
            "what the share is of: modules of a category in a layer, layers, or modules anywhere",
            default="category",
            choices=("category", "layer", "model"),
        ),
    )

    @override
    def due(self, moment: Moment, knobs: Mapping[str, Any]) -> bool:
        """Tell whether a round begins."""
        if moment.step == 1:
            return True
        this, before = ((step * knobs["rounds"]) // moment.steps for step in (moment.step - 1, moment.step - 2))
        return bool(this != before)

    @override
    def draw(self, running: Running, moment: Moment) -> Collection[Place]:
        """Return what is not frozen."""
        frozen: set[Place] = set()
        for rows in _rows(running.places, running.anatomy, running.knobs["unit"]):
            counts, more = _counts(rows, running.knobs["frozen"])
            longer = draw_some(more, len(rows), running.generator)
            for index, row in enumerate(rows):
                some = draw_some(counts[index] + (index in longer), len(row), running.generator)
                frozen.update(place for unit in some for place in row[unit])
        return [place for place in running.places if place not in frozen]

    @override
    def most(self, sizes: Sizes, anatomy: Anatomy, knobs: Mapping[str, Any]) -> int:
        """Return what is left where the smallest units are frozen."""
        least = 0
        for rows in _rows(sizes, anatomy, knobs["unit"]):
            counts, more = _counts(rows, knobs["frozen"])
            ordered = [sorted(sum(sizes[place] for place in unit) for unit in row) for row in rows]
            least += sum(sum(row[:count]) for row, count in zip(ordered, counts, strict=True))
            next_ones = sorted(row[count] for row, count in zip(ordered, counts, strict=True) if count < len(row))
            least += sum(next_ones[:more])
        return sum(sizes.values()) - least


#: Units that are frozen or not, in a row those of which a share is.
_Rows = Sequence[Sequence[Sequence[Place]]]


def _rows(places: Iterable[Place], anatomy: Anatomy, unit: str) -> list[_Rows]:
    """Return the rows that a share is of, those together whose shares are evened out."""
    layers = list(by_layer(dict.fromkeys(places)).values())
    if unit == "layer":
        return [[[list(layer) for layer in layers]]]
    if unit == "model":
        return [[[[place] for layer in layers for place in layer]]]
    found: list[_Rows] = []
    for category in (ATTENTION, FFN, NORMS):
        rows = [[[place] for place in layer if category_of(place, anatomy) == category] for layer in layers]
        found.append([row for row in rows if row])
    return found


def _counts(rows: _Rows, share: float) -> tuple[list[int], int]:
    """Return how many units of each row are frozen at least, and in how many rows one more is."""
    counts = [math.floor(share * len(row) + _ROUNDING) for row in rows]
    return counts, math.floor(sum(share * len(row) for row in rows) - sum(counts) + _ROUNDING)
