"""How many parameters of a configuration there are at each place of the layers, for schedules to switch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

from autopeft.backbones import Anatomy
from autopeft.costs.fragments import Fragments, needs_weights
from autopeft.errors import ConfigurationError
from autopeft.methods.builder import Part
from autopeft.methods.schedules import Place, places_of
from autopeft.space.placement import Cell

__all__ = ["PlaceSizes"]


class PlaceSizes:
    """Counts parameters by place, built on the meta device as costs are.

    Args:
        fragments: Builds parts.
        anatomy: The resolved anatomy of the backbone.
    """

    def __init__(self, fragments: Fragments, anatomy: Anatomy) -> None:
        self._fragments = fragments
        self._anatomy = anatomy
        self._known: dict[Hashable, Counter[str | None]] = {}

    def of(self, parts: Iterable[Part]) -> tuple[dict[Place, int], int]:
        """Return the parameters at each place, and those outside the layers.

        Raises:
            ConfigurationError: PEFT cannot build a part on this backbone.
        """
        places: Counter[Place] = Counter()
        outside = 0
        for part in parts:
            shared = part.method.shared_count(next(iter(part.cells.values()))) if part.method.joint else None
            if shared is not None:
                outside += shared
                continue
            if part.method.joint or part.method.words.placement == "model":
                for place, count in self._built(part).items():
                    if place is None:
                        outside += count
                    else:
                        places[place] += count
                continue
            for cell, knobs in part.cells.items():
                for module, count in self._of_cell(part._replace(cells={cell: knobs}), cell).items():
                    if module is None:
                        outside += count
                    else:
                        places[Place(cell.layer, module)] += count
        return dict(places), outside

    def _of_cell(self, piece: Part, cell: Cell) -> Counter[str | None]:
        """Return the parameters of one place of a method by module of the layer."""
        kind = self._fragments.kind(piece), cell.role
        if kind not in self._known:
            found: Counter[str | None] = Counter()
            try:
                for place, count in self._built(piece).items():
                    found[None if place is None else place.module] += count
            except (ConfigurationError, RuntimeError) as error:
                module, counted = self._fragments.first_module(piece), None
                if needs_weights(error):
                    counted = piece.method.count(piece.cells[cell], module)
                if counted is None:
                    raise
                found[self._anatomy.roles.get(cell.role or "", self._anatomy.attention)] = counted
            self._known[kind] = found
        return self._known[kind]

    def _built(self, part: Part) -> Counter[Place | None]:
        found: Counter[Place | None] = Counter()
        with self._fragments.built(part) as inserted:
            for each in inserted:
                own = {id(parameter) for parameter in each.parameters}
                for parameter, place in places_of(each.tuner.model, own, self._anatomy):
                    found[place] += parameter.numel()
        return found
