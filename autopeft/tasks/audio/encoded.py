"""Clips as a model reads them, decoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks.encoding import Encoded

__all__ = ["EncodedClips"]


@dataclass(frozen=True)
class EncodedClips(Encoded):
    """Clips as a feature extractor makes them; nothing in `inputs`.

    Args:
        called: What the model calls them.
        values: float32, `[samples]` of waveforms, of spectrograms `[frames, bands]` or `[bands, frames]`.
        tokens: How many tokens the model makes of each, int64 `[n]`.
        masked: Whether the model is told which samples are padding.
    """

    called: str = ""
    values: Sequence[NDArray[np.float32]] = ()
    tokens: NDArray[np.int64] | None = None
    masked: bool = False

    def __len__(self) -> int:
        return len(self.values)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each clip, int64 `[n]`."""
        return np.zeros(0, np.int64) if self.tokens is None else self.tokens

    def take(self, indices: Sequence[int] | np.ndarray) -> EncodedClips:
        """Return the clips at the indices, in their order."""
        picked = np.asarray(indices, dtype=np.int64)
        labels = None if self.labels is None else self.labels[picked]
        return replace(self, values=[self.values[i] for i in picked], tokens=self.lengths[picked], labels=labels)

    def batch(self, rows: NDArray[np.int64]) -> dict[str, np.ndarray]:
        """Return clips as a model reads them together: waveforms padded on the right to the longest of them."""
        held = [self.values[row] for row in rows]
        if held[0].ndim > 1:
            return {self.called: np.stack(held)}
        longest = max(map(len, held))
        found = {self.called: np.stack([np.pad(each, (0, longest - len(each))) for each in held])}
        if self.masked:
            found["attention_mask"] = np.stack([np.arange(longest) < len(each) for each in held]).astype(np.int64)
        return found

    def digested(self) -> Iterator[bytes]:
        """Yield what tells them from others."""
        yield f"{self.called} {self.masked}".encode()
        for each in self.values:
            yield repr(each.shape).encode()
            yield each.tobytes()
