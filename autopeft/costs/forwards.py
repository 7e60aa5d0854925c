"""What a forward of a model costs, counted on the meta device."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, telling
from autopeft.methods.builder import Part, apply, remove
from autopeft.space.canonical import build

__all__ = ["Forwards"]


class Forwards:
    """Counts the FLOPs of the matrix products in a forward: two for each multiplication and addition.

    Args:
        backbone: The backbone.
        tokens: Length of the one text that goes through; a model of images has the tokens of one image.
    """

    def __init__(self, backbone: Backbone, tokens: int) -> None:
        self._backbone = backbone
        self._tokens = tokens

    def extra(self, parts: Iterable[Part]) -> int:
        """Return what parts add to a forward of the bare model."""
        placed: dict[str, dict[Any, Any]] = {}
        for part in parts:
            cells = {cell: part.method.counting(knobs) for cell, knobs in part.cells.items()}
            placed.setdefault(part.method.words.name, {}).update(cells)
        model, bare = self._backbone.meta(), self.bare
        with torch.device("meta"):
            apply(build(placed, {"learning_rate": 0.0}, VOCABULARY), model, self._backbone.anatomy)
        try:
            return self._count() - bare
        finally:
            remove(model)

    @cached_property
    def length(self) -> int:
        """Tokens of the text, or of an image, without what methods put in front of it."""
        return self._backbone.tokens_of_blank(self._tokens)

    @cached_property
    def bare(self) -> int:
        """FLOPs of a forward of the backbone alone."""
        return self._count()

    def _count(self) -> int:
        model = self._backbone.meta().eval()
        try:
            # Of whatever task the text is, it takes as much.
            with torch.no_grad(), telling(model, 0), FlopCounterMode(display=False) as counter:
                model(**self._backbone.blank(self._tokens))
        except (RuntimeError, NotImplementedError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise ConfigurationError(
                f"FLOPs of {self._backbone.config.model_type!r} models cannot be counted without weights ({reason}); "
                "leave flops and forward out of --objectives"
            ) from error
        return int(counter.get_total_flops())
