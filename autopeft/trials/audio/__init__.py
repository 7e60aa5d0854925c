"""Trials on clips of sound."""

from autopeft.trials.audio.kind import AudioTrials

__all__ = ["AudioTrials"]
