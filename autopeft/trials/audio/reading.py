"""How a model's feature extractor makes of samples what the model reads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.backbones import samples_of, tokens_of
from autopeft.tasks.audio import ClipClasses

__all__ = ["LEAST", "Reading"]

#: Seconds that extractors look at to say anything at all; shorter clips are padded to that.
LEAST = 0.025

#: A trial is of so many tokens at the least.
_FEWEST = 2

#: Seconds from one frame of a spectrogram to the next, where extractors do not say how many samples they read.
_FRAME = 0.01


class Reading:
    """Waveforms are cut, spectrograms made of one size.

    Args:
        extractor: The feature extractor.
        schema: What the task knows of the model.

    Attributes:
        called: What the model calls its input.
        masked: Whether it is told what is padding. Else waveforms are padded to one length: what a model makes of one
            that is not told so differs with the padding, and must not with the clips beside it.
        alike: Whether all clips become equally long.
        seconds: How much of a clip becomes a spectrogram; None where waveforms are read.
    """

    def __init__(self, extractor: Any, schema: ClipClasses) -> None:
        self._extractor, self._schema = extractor, schema
        self.called: str = extractor.model_input_names[0]
        wave = bool(schema.convolutions)
        self.masked = wave and bool(extractor.return_attention_mask)
        self.alike = not self.masked
        self.seconds = None if wave else self._read()

    def _read(self) -> float:
        samples = getattr(self._extractor, "n_samples", None)
        seconds = self._extractor.max_length * _FRAME if samples is None else samples / self._extractor.sampling_rate
        return float(seconds)

    def tokens(self, seconds: float) -> int:
        """Return how many tokens the model makes of so many seconds."""
        if self.seconds is not None:
            return self._schema.tokens
        return tokens_of(round(max(seconds, LEAST) * self._extractor.sampling_rate), self._schema.convolutions)

    @property
    def least(self) -> float:
        """The fewest seconds that waveforms can be cut at: what stands in records of it is as much again."""
        rate, convolutions = self._extractor.sampling_rate, self._schema.convolutions
        if not convolutions:
            return LEAST
        tokens = max(_FEWEST, tokens_of(round(LEAST * rate), convolutions))
        tokens += samples_of(tokens, convolutions) < LEAST * rate
        # Rounded up, so that it can be written in few digits.
        return math.ceil(1000 * samples_of(tokens, convolutions) / rate) / 1000

    def tokens_of(self, values: NDArray[np.float32]) -> int:
        """Return how many tokens the model makes of what it reads."""
        return self._schema.tokens if values.ndim > 1 else tokens_of(len(values), self._schema.convolutions)

    def read(self, samples: NDArray[np.float32], tokens: int) -> tuple[NDArray[np.float32], bool]:
        """Return what the model reads of a clip, float32, and whether the clip was cut.

        Args:
            samples: The clip at the rate of the model, `[samples]`.
            tokens: At so many tokens waveforms are cut.
        """
        rate, how = self._extractor.sampling_rate, {}
        least = round(LEAST * rate)
        if self._schema.convolutions:
            most = samples_of(tokens, self._schema.convolutions)
            how = {"padding": "longest" if self.masked else "max_length", "max_length": most, "truncation": True}
            least = max(least, samples_of(1, self._schema.convolutions))
        else:
            most = round((self.seconds or 0) * rate)
        whole = np.pad(samples, (0, max(0, least - len(samples))))
        found = self._extractor([whole], sampling_rate=rate, return_tensors="np", **how)[self.called][0]
        return np.asarray(found, np.float32), len(samples) > most
