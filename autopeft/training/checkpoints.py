"""Checkpoints that are whole: a process may be killed while it writes one, and a file may be damaged since."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from autopeft.errors import StudyError
from autopeft.whole_file import flush, write_json

__all__ = ["last_whole", "seal", "without_code"]

#: File in a checkpoint, written when it is on the disk, that says how long each of its files is.
_SEAL = "whole.json"


def seal(checkpoint: Path) -> None:
    """Note that a checkpoint is whole, once all of it is on the disk."""
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path.name != _SEAL)
    for file in files:
        flush(file)
    write_json(checkpoint / _SEAL, {file.relative_to(checkpoint).as_posix(): file.stat().st_size for file in files})


def last_whole(folder: Path) -> Path | None:
    """Return the last checkpoint of a folder that is whole; None where there is none."""
    steps = {
        int(found[1]): path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (found := re.fullmatch(rf"{PREFIX_CHECKPOINT_DIR}-(\d+)", path.name))
    }
    return next((steps[step] for step in sorted(steps, reverse=True) if _whole(steps[step])), None)


@contextmanager
def without_code(checkpoint: Path | None) -> Iterator[None]:
    """Say in one sentence that a checkpoint cannot be gone on from: torch reads numbers of it, and refuses the rest.

    Raises:
        StudyError: When it holds what would run code, or is damaged.
    """
    try:
        yield
    except UnpicklingError as error:
        said = next(iter(str(error).splitlines()), "")
        raise StudyError(
            f"the checkpoint {checkpoint} holds more than numbers, or is damaged ({said[:200]}); delete it, and the "
            "training goes on from the one before, or begins anew"
        ) from None


def _whole(checkpoint: Path) -> bool:
    try:
        # The Trainer writes this one last: of a process that was killed before it could seal, it says the same.
        json.loads((checkpoint / TRAINER_STATE_NAME).read_text(encoding="utf8"))
        seal = checkpoint / _SEAL
        sizes = json.loads(seal.read_text(encoding="utf8")) if seal.is_file() else {}
        return all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False
