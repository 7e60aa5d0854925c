"""Pictures, decoded when they are needed."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.media.item import MediaItem
from autopeft.tasks.media.medium import Medium

__all__ = ["PICTURES", "Picture", "Seen"]

#: Formats that are read, whatever a file is called; others of Pillow's run programs, or are seldom meant.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")

#: What processors bring to one shorter side grows by this on the other.
_THINNEST = 100

#: Grey of 16 bits, and what makes 8 of them.
_DEEP, _TO_BYTES = "I;16", 257

#: Numbers of 32 bits, of which nobody says what is white.
_UNKNOWN = ("I", "F")


@dataclass(frozen=True)
class Seen:
    """What a picture is, and what of it is not read.

    Args:
        longer: Pixels of its longer side.
        deep: Whether it has more than 8 bits a pixel and colour.
        clear: Whether it is transparent somewhere.
        several: Whether there are more pictures in it, of which the first is read.
    """

    longer: int
    deep: bool
    clear: bool
    several: bool


class Picture(MediaItem):
    """One picture; its values are pixels: uint8, `[height, width]` or `[height, width, 3]`."""

    def decoded(self) -> Any:
        """Return it as a `PIL.Image.Image` in RGB, turned as its camera was held.

        Raises:
            DataError: When it cannot be read.
        """
        return self._read()[0]

    @cached_property
    def seen(self) -> Seen:
        """What it is.

        Raises:
            DataError: When it cannot be read.
        """
        return self._read()[1]

    def check(self) -> None:
        """Decode it."""
        _ = self.seen

    def _read(self) -> tuple[Any, Seen]:
        from PIL import Image as Pil

        source: Any = self.source
        try:
            with warnings.catch_warnings():
                # A picture of so many pixels that it is worth a warning is one to refuse.
                warnings.simplefilter("error", Pil.DecompressionBombWarning)
                if isinstance(source, np.ndarray):
                    return _made(Pil.fromarray(source))
                with Pil.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_FORMATS) as opened:
                    return _made(opened)
        except Exception as error:
            raise DataError(f"{self.name} ({_reason(error)})") from error


PICTURES = Medium(
    "picture", "image", (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"), Picture
)


def _made(opened: Any) -> tuple[Any, Seen]:
    """Return a picture as it is read, and what it is.

    Raises:
        ValueError: When it is none that models can be shown.
    """
    from PIL import Image as Pil
    from PIL import ImageOps

    width, height = opened.size
    if max(width, height) > _THINNEST * min(width, height):
        raise ValueError(f"{width:,} x {height:,} pixels; expected sides of which none is {_THINNEST} times the other")
    several = getattr(opened, "n_frames", 1) > 1
    # Pillow brings what PPM has more than 8 bits of to 16.
    deep = opened.mode.startswith(_DEEP) or (opened.mode == "I" and opened.format == "PPM")
    if opened.mode in _UNKNOWN and not deep:
        raise ValueError(f"numbers of 32 bits, Pillow's mode {opened.mode}; expected 8 or 16 bits a pixel and colour")
    turned = ImageOps.exif_transpose(opened)
    if deep:
        turned = Pil.fromarray(np.round(np.asarray(turned) / _TO_BYTES).astype(np.uint8))
    clear = turned.has_transparency_data and bool((np.asarray(turned.convert("RGBA"))[:, :, 3] < 255).any())
    return turned.convert("RGB"), Seen(max(width, height), deep, clear, several)


def _reason(error: Exception) -> str:
    # Decoders raise errors of many kinds.
    said = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return "no picture that is read" if "cannot identify image file" in said else " ".join(said.split())
