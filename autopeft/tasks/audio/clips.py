"""Clips of sound, decoded when they are needed."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import DataError
from autopeft.tasks.audio.mp3 import read_to_the_end, says_its_length
from autopeft.tasks.media.item import MediaItem
from autopeft.tasks.media.medium import Medium

__all__ = ["CLIPS", "Clip", "Header"]

#: Sample rates that sound can have, in Hz; others are mistakes in the head of a file.
_RATES = (1_000, 768_000)

#: How libsndfile says that there are fewer bytes of samples than the head of a WAV or AIFF file does.
_CUT = re.compile(r"(?:data|SSND) : (?P<said>\d+) \(should be (?P<there>\d+)\)")

#: What is written as a stream says so many bytes or more, as its end was not known.
_STREAMED = 2**31 - 1


@dataclass(frozen=True)
class Header:
    """What the head of a file says.

    Args:
        rate: Samples a second.
        channels: How many there are.
        seconds: How long the clip is.
        endless: Whether that is not said, but found by reading to the end.
    """

    rate: int
    channels: int
    seconds: float
    endless: bool = False


class Clip(MediaItem):
    """One clip, as a file that libsndfile reads."""

    @cached_property
    def header(self) -> Header:
        """What its head says.

        Raises:
            DataError: When it cannot be read, or there is nothing to hear.
        """
        import soundfile

        try:
            found = soundfile.info(self._opened(), verbose=True)
            endless = found.format == "MP3" and not says_its_length(self._held)
            frames = len(read_to_the_end(self._held)) if endless else found.frames
        except (soundfile.SoundFileError, OSError) as error:
            raise DataError(f"{self.name} ({_reason(error)})") from error
        if not _RATES[0] <= found.samplerate <= _RATES[1]:
            raise DataError(
                f"{self.name} (a sample rate of {found.samplerate:,} Hz; expected {_RATES[0]:,} to {_RATES[1]:,})"
            )
        if not frames:
            raise DataError(f"{self.name} (no samples)")
        cut = _CUT.search(found.extra_info)
        if cut and int(cut["there"]) < int(cut["said"]) < _STREAMED:
            raise DataError(f"{self.name} ({cut['there']} of {cut['said']} bytes of samples; cut off)")
        return Header(found.samplerate, found.channels, frames / found.samplerate, endless)

    def decoded(self, rate: int | None = None) -> NDArray[np.float32]:
        """Return its samples, the mean of its channels, float32 `[samples]`.

        Args:
            rate: Samples a second that are asked for; its own when left out.

        Raises:
            DataError: When it cannot be read.
        """
        import soundfile
        import soxr

        own = self.header.rate
        try:
            if self.header.endless:
                values = read_to_the_end(self._held)
            else:
                values, _ = soundfile.read(self._opened(), dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, OSError) as error:
            raise DataError(f"{self.name} ({_reason(error)})") from error
        if len(values) < round(self.header.seconds * own):
            raise DataError(f"{self.name} ({len(values):,} of {round(self.header.seconds * own):,} samples; cut off)")
        mono = values.mean(axis=1)
        if not np.isfinite(mono).all():
            raise DataError(f"{self.name} (samples that are no numbers)")
        found: NDArray[np.float32] = mono if rate in (None, own) else soxr.resample(mono, own, rate)
        return found

    def check(self) -> None:
        """Decode it."""
        self.decoded()

    def _opened(self) -> Any:
        return io.BytesIO(self._held) if isinstance(self._held, bytes) else self._held

    @property
    def _held(self) -> Path | bytes:
        assert not isinstance(self.source, np.ndarray)
        return self.source


CLIPS = Medium("clip", "audio", (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff"), Clip)


def _reason(error: Exception) -> str:
    said = str(getattr(error, "error_string", "") or error).strip().rstrip(".")
    return "no sound that libsndfile reads" if "not recognised" in said or "unknown format" in said.lower() else said
