"""Pictures as a model reads them, decoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autopeft.tasks.encoding import Encoded

__all__ = ["CROP", "FLIP", "EncodedPictures"]

#: What models call their pixels.
PIXELS = "pixel_values"

#: What can be done to pictures while a model learns, and by how much of its side a picture is moved at the most.
CROP, FLIP = "crop", "flip"
_MARGIN = 1 / 8


@dataclass(frozen=True)
class EncodedPictures(Encoded):
    """Pictures of one size, in the bytes of their pixels: uint8 `[n, channels, height, width]` in `inputs`.

    Args:
        tokens: How many tokens a model makes of one.
        scale: By what bytes are multiplied, for each channel or for all.
        shift: What is added then.
        augment: What is done to pictures when they are read, each time anew: `crop`, `flip`.
    """

    tokens: int = 1
    scale: tuple[float, ...] = (1.0,)
    shift: tuple[float, ...] = (0.0,)
    augment: tuple[str, ...] = ()

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
        """Return pictures as a model reads them: float32 `[rows, channels, height, width]`.

        What is done to them by chance follows from which rows are read together, so that it is another in each epoch.
        """
        held: Any = self.inputs[PIXELS]
        scale, shift = (np.asarray(each, np.float32).reshape(1, -1, 1, 1) for each in (self.scale, self.shift))
        chosen = _augmented(held[rows], self.augment, rows) if self.augment else held[rows]
        found: np.ndarray = chosen.astype(np.float32) * scale + shift
        return found

    def digested(self) -> Iterator[bytes]:
        """Yield what tells them from others."""
        pixels: Any = self.inputs[PIXELS]
        yield repr((pixels.shape, self.scale, self.shift)).encode()
        yield pixels.tobytes()


def _augmented(pixels: np.ndarray, how: Sequence[str], rows: np.ndarray) -> np.ndarray:
    """Move and mirror pictures by chance, uint8 `[n, channels, height, width]`."""
    rng = np.random.default_rng(rows.tolist())
    found = pixels.copy()
    if CROP in how:
        height, width = pixels.shape[2:]
        up, left = (max(1, round(_MARGIN * size)) for size in (height, width))
        padded = np.pad(
            pixels, ((0, 0), (0, 0), (up, up), (left, left)), mode="reflect" if min(height, width) > 1 else "edge"
        )
        for number in range(len(pixels)):
            y, x = rng.integers(0, 2 * up + 1), rng.integers(0, 2 * left + 1)
            found[number] = padded[number, :, y : y + height, x : x + width]
    if FLIP in how:
        mirrored = rng.random(len(pixels)) < 0.5
        found[mirrored] = found[mirrored][..., ::-1]
    return found
