"""What tools have in common that train language models on text to be written."""

from __future__ import annotations

from autopeft.export.target import Target
from autopeft.trials import TrialKind

__all__ = ["LanguageModelTool"]


class LanguageModelTool(Target):
    """A tool that trains causal language models, and nothing else."""

    trains = "causal language models"

    def takes(self, kind: TrialKind) -> bool:
        """Take kinds that learn text to be written."""
        return kind.writes
