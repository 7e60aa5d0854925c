"""What a trial kept, in the model it was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transformers import PreTrainedModel
from transformers.utils import CONFIG_NAME

from autopeft.backbones import Anatomy
from autopeft.methods import load, remove
from autopeft.methods.storage import MANIFEST
from autopeft.trials.full import load_full

__all__ = ["saved"]


@contextmanager
def saved(model: PreTrainedModel, anatomy: Anatomy, folder: Path) -> Iterator[None]:
    """Put what was saved into the model, and take it out again.

    Args:
        model: The model, without adapters.
        anatomy: Its resolved anatomy.
        folder: What `autopeft.methods.save` wrote, or `save_full`.
    """
    # Both have a config; that of adapters is there for who loads them elsewhere.
    if (folder / CONFIG_NAME).is_file() and not (folder / MANIFEST).is_file():
        with load_full(model, folder):
            yield
        return
    load(folder, model, anatomy)
    try:
        yield
    finally:
        remove(model)
