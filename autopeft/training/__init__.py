"""The full fine-tune of a configuration that a search has found."""

from autopeft.training.fine_tune import fine_tune

__all__ = ["fine_tune"]
