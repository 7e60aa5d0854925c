"""What pruning the frozen weights saves, without any weights."""

from __future__ import annotations

from functools import cached_property

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError
from autopeft.methods.pruning import PRUNING, Heads, Matrix, Saved, heads_of, matrices_of
from autopeft.space import Configuration

__all__ = ["PrunedSizes"]

_NOTHING = Saved(0, 0, 0)


class PrunedSizes:
    """Counts what is pruned of a backbone.

    Args:
        backbone: The backbone.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone

    def of(self, configuration: Configuration, tokens: int = 1) -> Saved:
        """Return what a configuration saves of the backbone, a forward being of a text of so many tokens.

        Raises:
            ConfigurationError: When there is not so much to prune.
        """
        asked = PRUNING.asked(configuration.training)
        if asked is None:
            return _NOTHING
        try:
            return asked.word.saved(self._matrices, self._heads, asked.knobs, tokens)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error

    @cached_property
    def _matrices(self) -> list[Matrix]:
        return matrices_of(self._backbone.meta(), self._backbone.anatomy)

    @cached_property
    def _heads(self) -> Heads:
        return heads_of(self._backbone.meta(), self._backbone.anatomy)
