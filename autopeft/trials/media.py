"""What trials on pictures and on sounds have in common."""

from __future__ import annotations

from typing import Any

from autopeft.trials.classification import ClassificationTrials

__all__ = ["MediaTrials"]


class MediaTrials(ClassificationTrials):
    """Which of some labels a picture or a sound has, by a model that a processor reads it for."""

    scripted = False

    def settle_tokenizer(self, tokenizer: Any) -> None:
        """Leave the processor as it is."""
