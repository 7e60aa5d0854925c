"""What a task on clips of sound has to know of its data."""

from __future__ import annotations

from dataclasses import dataclass

from autopeft.tasks.media.schema import MediaClasses

__all__ = ["ClipClasses"]


@dataclass(frozen=True)
class ClipClasses(MediaClasses):
    """As `MediaClasses`, with how the model at hand makes tokens of a waveform.

    Args:
        convolutions: Sizes and strides of its convolutions; none where it reads spectrograms of one size.
    """

    convolutions: tuple[tuple[int, int], ...] = ()
