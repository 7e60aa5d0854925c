"""Pictures as a model reads them, decoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autopeft.tasks.encoding import Encoded

__all__ = ["EncodedPictures"]

#: What models call their pixels.
PIXELS = "pixel_values"


@dataclass(frozen=True)
class EncodedPictures(Encoded):
    """Pictures of one size, in the bytes of their pixels: uint8 `[n, channels, height, width]` in `inputs`.

    Args:
        tokens: How many tokens a model makes of one.
        scale: By what bytes are multiplied, for each channel or for all.
        shift: What is added then.
    """

    tokens: int = 1
    scale: tuple[float, ...] = (1.0,)
    shift: tuple[float, ...] = (0.0,)

    def __len__(self) -> int:
        return len(self.inputs[PIXELS])

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each picture, int64 `[n]`."""
        return np.full(len(self), max(1, self.tokens), np.int64)

    def take(self, indices: Sequence[int] | np.ndarray) -> EncodedPictures:
        """Return the pictures at the indices, in their order."""
        picked = np.asarray(indices, dtype=np.int64)
        pixels: Any = self.inputs[PIXELS]
        labels = None if self.labels is None else self.labels[picked]
        return replace(self, inputs={PIXELS: pixels[picked]}, labels=labels)

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """Return pictures as a model reads them: float32 `[rows, channels, height, width]`."""
        held: Any = self.inputs[PIXELS]
        scale, shift = (np.asarray(each, np.float32).reshape(1, -1, 1, 1) for each in (self.scale, self.shift))
        found: np.ndarray = held[rows].astype(np.float32) * scale + shift
        return found

    def digested(self) -> Iterator[bytes]:
        """Yield what tells them from others."""
        pixels: Any = self.inputs[PIXELS]
        yield repr((pixels.shape, self.scale, self.shift)).encode()
        yield pixels.tobytes()
