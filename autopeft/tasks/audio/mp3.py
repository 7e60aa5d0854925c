"""MP3s whose head does not say how long they are: libsndfile guesses by the first frame, and stops reading there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_to_the_end", "says_its_length"]

#: Encoders write one of these into a first frame without sound.
_LENGTHS = (b"Xing", b"Info", b"VBRI")

#: ... among so many of its first bytes.
_HEAD = 64

#: The head of an ID3 tag is so long.
_TAG = 10

#: Samples that are decoded at a time.
_BLOCK = 2**16


def says_its_length(source: Path | bytes) -> bool:
    """Tell whether an MP3 says how many frames it has.

    Args:
        source: Its file, or its bytes.

    Raises:
        OSError: When the file cannot be read.
    """
    head = _sound_of(source)[:_HEAD]
    return any(name in head for name in _LENGTHS)


def read_to_the_end(source: Path | bytes) -> NDArray[np.float32]:
    """Decode all of an MP3 that does not say its length, float32 `[samples, channels]`.

    Args:
        source: Its file, or its bytes.

    Raises:
        OSError: When the file cannot be read.
        soundfile.SoundFileError: When it is broken.
    """
    import soundfile

    # Of what cannot be measured, as a pipe, libsndfile reads all there is.
    reading, writing = os.pipe()
    feeder = Thread(target=_feed, args=(writing, _sound_of(source)), daemon=True)
    feeder.start()
    try:
        with soundfile.SoundFile(reading, closefd=False) as opened:
            blocks = list(_blocks(opened))
            return np.concatenate(blocks) if blocks else np.zeros((0, opened.channels), np.float32)
    finally:
        os.close(reading)
        feeder.join()


def _blocks(opened: Any) -> Iterator[NDArray[np.float32]]:
    while len(block := opened.read(_BLOCK, dtype="float32", always_2d=True)):
        yield block


def _feed(writing: int, held: bytes) -> None:
    # Who reads may have met an error, and hung up.
    with suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
        pipe.write(held)


def _sound_of(source: Path | bytes) -> bytes:
    """Return what is in an MP3 behind its ID3 tag."""
    held = source if isinstance(source, bytes) else source.read_bytes()
    if held[:3] != b"ID3" or len(held) < _TAG:
        return held
    # Of each byte of a tag's size, seven bits count.
    size = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(held[6:_TAG])))
    return held[_TAG + size :]
