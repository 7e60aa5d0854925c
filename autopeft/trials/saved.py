"""What a trial keeps, and how it comes back into the model it was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from transformers import PreTrainedModel
from transformers.utils import CONFIG_NAME

from autopeft.backbones import Anatomy
from autopeft.methods import load, remove, save
from autopeft.methods.storage import MANIFEST, read_manifest
from autopeft.space import Configuration
from autopeft.trials.full import load_full, save_full
from autopeft.trials.settled import read_settled, using_settled, write_settled

__all__ = ["configuration_in", "keep", "saved"]


def keep(model: PreTrainedModel, folder: Path, settled: Mapping[str, float], *, full: bool) -> None:
    """Write what a trial trained.

    Args:
        model: The model, with its adapters.
        folder: Where to write; made if need be.
        settled: What was chosen on validation.
        full: Whether the whole model was trained.
    """
    (save_full if full else save)(model, folder)
    write_settled(settled, folder)


def configuration_in(folder: Path) -> Configuration | None:
    """Return the configuration that was saved; None where the whole model was.

    Args:
        folder: What `keep` wrote.
    """
    # Both have a config; that of adapters is there for who loads them elsewhere.
    if (folder / CONFIG_NAME).is_file() and not (folder / MANIFEST).is_file():
        return None
    return read_manifest(folder)[0]


@contextmanager
def saved(model: PreTrainedModel, anatomy: Anatomy, folder: Path, settles: Sequence[str] = ()) -> Iterator[None]:
    """Put what was saved into the model, and take it out again.

    Args:
        model: The model, without adapters.
        anatomy: Its resolved anatomy.
        folder: What `keep` wrote.
        settles: What was chosen on validation, by name.
    """
    chosen = read_settled(settles, folder)
    if configuration_in(folder) is None:
        with load_full(model, folder), using_settled(model.config, chosen):
            yield
        return
    load(folder, model, anatomy)
    try:
        with using_settled(model.config, chosen):
            yield
    finally:
        remove(model)
