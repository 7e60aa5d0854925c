"""What tools have in common that train language models: on text to be written, some by preferences as well."""

from __future__ import annotations

from autopeft.exporting.target import Target
from autopeft.trials import TrialKind

__all__ = ["LanguageModelTool"]


class LanguageModelTool(Target):
    """A tool that trains causal language models, and nothing else.

    Attributes:
        prefers: Whether it trains them by preferences as well, with DPO.
    """

    trains = "causal language models"
    prefers: bool = False

    def takes(self, kind: TrialKind) -> bool:
        """Take kinds that learn text to be written, or which of two texts is to be preferred."""
        return kind.writes or (self.prefers and kind.prefers)
