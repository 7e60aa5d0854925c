"""What leaves memory while copies of it train."""

from __future__ import annotations

from collections.abc import Iterable

from autopeft.backbones import Backbone, matrices_of
from autopeft.methods.builder import Part

__all__ = ["Offloaded"]

#: Bytes of a number of the backbone, and of one in half precision.
_BYTES, _HALF_BYTES = 4, 2


class Offloaded:
    """Counts the bytes of weights that wait on disk, see `autopeft.methods.Method.offloads`.

    Args:
        backbone: The backbone.
        half: Whether the matrices inside its layers are held in half precision.
    """

    def __init__(self, backbone: Backbone, half: bool) -> None:
        model = backbone.meta()
        self._anatomy = backbone.anatomy
        self._modules = dict(model.named_modules())
        halved = matrices_of(model, backbone.anatomy) if half else ()
        in_half = {id(parameter) for module in halved for parameter in module.parameters()}
        self._bytes = {
            id(parameter): parameter.numel() * (_HALF_BYTES if id(parameter) in in_half else _BYTES)
            for parameter in model.parameters()
        }

    def of(self, parts: Iterable[Part]) -> int:
        """Return those of all parts; a weight that several modules share counts once."""
        found = {
            id(parameter)
            for part in parts
            if part.method.offloads
            for cell, knobs in part.cells.items()
            for name in part.method.modules(cell, knobs, self._anatomy)
            for parameter in self._modules[name].parameters()
        }
        return sum(self._bytes[each] for each in found)
