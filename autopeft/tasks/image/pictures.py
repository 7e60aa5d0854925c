"""Pictures, decoded when they are needed."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.media.item import MediaItem
from autopeft.tasks.media.medium import Medium

__all__ = ["PICTURES", "Picture"]


class Picture(MediaItem):
    """One picture; its values are pixels: uint8, `[height, width]` or `[height, width, 3]`."""

    def decoded(self) -> Any:
        """Return it as a `PIL.Image.Image` in RGB.

        Raises:
            DataError: When it cannot be read.
        """
        from PIL import Image as Pil

        source: Any = self.source
        try:
            with warnings.catch_warnings():
                # A picture of so many pixels that it is worth a warning is one to refuse.
                warnings.simplefilter("error", Pil.DecompressionBombWarning)
                if isinstance(source, np.ndarray):
                    return Pil.fromarray(source).convert("RGB")
                with Pil.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
                    return opened.convert("RGB")
        except Exception as error:
            # Decoders raise errors of many kinds.
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{self.name} ({_short(reason, self.name)})") from error

    def check(self) -> None:
        """Decode it."""
        self.decoded()


PICTURES = Medium(
    "picture", "image", (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"), Picture
)


def _short(reason: str, name: str) -> str:
    return "no picture" if "cannot identify image file" in reason else reason.replace(name, "it")
