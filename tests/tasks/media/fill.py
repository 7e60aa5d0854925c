"""Folders of small pictures and clips, each of its own."""

import io
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image as Pil

from autopeft.tasks import TaskSpec, load_task

__all__ = ["clip", "fill", "loaded", "picture"]

_RNG = np.random.default_rng(0)


def picture() -> bytes:
    """Return a PNG unlike those before."""
    out = io.BytesIO()
    Pil.fromarray(_RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def clip() -> bytes:
    """Return a WAV unlike those before."""
    out = io.BytesIO()
    soundfile.write(out, _RNG.uniform(-0.5, 0.5, 800), 8_000, format="WAV")
    return out.getvalue()


def fill(folder: Path, counts: dict[str, int], make=picture, ending: str = "png") -> Path:
    """Write so many files to a folder for each label."""
    for label, count in counts.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (folder / label / f"{number}.{ending}").write_bytes(make())
    return folder


def loaded(path, **settings):
    """Load the task of a folder or a file."""
    return load_task(TaskSpec(data=str(path), **settings))
