"""Open a folder of something trained, by what it holds alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from autopeft.backbones import Backbone
from autopeft.backbones.complete import check_complete
from autopeft.backbones.safe import SAFE, check_files, check_kernels
from autopeft.errors import BackboneError, ConfigurationError
from autopeft.methods import load
from autopeft.saved.companions import ROLES_FILE
from autopeft.saved.use import USE_FILE, Base, Use
from autopeft.tasks import Task
from autopeft.trials import Ready, TrialKind, kind_of, pick_device
from autopeft.trials.settled import read_settled, settle

__all__ = ["Opened", "open_saved"]


@dataclass(frozen=True)
class Opened:
    """Something trained, ready to be used.

    Args:
        folder: Its folder.
        use: How it is used.
        task: For what, without its data.
        backbone: What its adapters are for; None where the folder holds the whole model.
        ready: The model.
        notes: Lines on what it is, for people.
    """

    folder: Path
    use: Use
    task: Task
    backbone: Backbone | None
    ready: Ready
    notes: tuple[str, ...]


def open_saved(folder: Path, model: str | None = None, *, trust_remote_code: bool = False) -> Opened:
    """Load what a folder holds: adapters into the model that they are for, or a whole model.

    Args:
        folder: What `train`, `select`, `--merge` or the export of a finalist to PEFT wrote.
        model: Where the model that adapters are for is now; where it was when left out.
        trust_remote_code: Whether code that the model brings may run.

    Raises:
        ConfigurationError: When the folder holds nothing of the kind, or adapters of another model.
        BackboneError: When the model cannot be loaded.
    """
    use = Use.read(folder)
    task = use.empty_task()
    kind = kind_of(task)
    reader, _, file = kind.reader
    needed = ["config.json", file, *kind.needs]
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise ConfigurationError(f"{folder} lacks {' and '.join(missing)}, which was written there; save it again")
    tokenizer = _read(folder, getattr(transformers, reader), trust_remote_code=trust_remote_code)
    with _readable(folder):
        how = {**use.how, **kind.read_beside(folder)}
    settled = read_settled(kind.settles, folder)
    backbone = None
    if use.base is None:
        whole = _whole(folder, kind, trust_remote_code)
        kind.prepare(whole)
        notes: tuple[str, ...] = (f"the whole model of {folder}",)
    else:
        backbone, said = _backbone(folder, use.base, kind, model, trust_remote_code)
        whole = kind.model(backbone, pick_device())
        configuration = load(folder, whole, backbone.anatomy)
        notes = (f"{configuration.describe()}, of {backbone.name}", *said)
    settle(whole.config, settled)
    ready = Ready(folder, whole.eval(), tokenizer, use.max_length, use.precision, {**how, **settled})
    return Opened(folder, use, task, backbone, ready, notes)


def _whole(folder: Path, kind: TrialKind, trust_remote_code: bool) -> Any:
    """Return the model of a folder that holds all of it."""
    config = _read(folder, transformers.AutoConfig, trust_remote_code=trust_remote_code)
    check_kernels(str(folder), config, trust_remote_code)
    check_files(str(folder), str(folder), config)
    how = {"trust_remote_code": trust_remote_code, "dtype": torch.float32, "output_loading_info": True, **SAFE}
    model, loading = _read(folder, getattr(transformers, kind.auto_class), **how)
    check_complete(str(folder), model.config.model_type, loading, ())
    try:
        kind.check_whole(model.config)
    except ConfigurationError as error:
        raise ConfigurationError(f"the model of {folder} does not fit {USE_FILE}: {error}") from None
    return model.to(pick_device())


def _backbone(
    folder: Path, base: Base, kind: TrialKind, model: str | None, trust_remote_code: bool
) -> tuple[Backbone, list[str]]:
    """Return the model that adapters are for, and what there is to say of it."""
    roles = folder / ROLES_FILE
    try:
        backbone = kind.load_backbone(
            model or base.path,
            base.revision if model is None else None,
            roles if roles.is_file() else None,
            base.quantization,
            trust_remote_code,
        )
    except BackboneError as error:
        if model is not None or base.quantization is not None:
            raise
        raise BackboneError(f"{error}. The adapters of {folder} are for it: say where it is by --model") from error
    if backbone.config.model_type != base.architecture:
        raise ConfigurationError(
            f"the adapters of {folder} are for a {base.architecture} model, and {backbone.name} is a "
            f"{backbone.config.model_type} model; name the one that they are for by --model"
        )
    # Called otherwise, it may still be the same.
    found = dict(backbone.identity)
    differing = [key for key in ("weights", "revision", "code") if base.identity.get(key) != found.get(key)]
    if not differing or "weights" not in base.identity or "weights" not in found:
        return backbone, []
    if model is None:
        raise ConfigurationError(
            f"{backbone.path} holds other {' and '.join(differing)} than when the adapters of {folder} were trained on "
            "it; name the model that they are for by --model"
        )
    return backbone, [f"{backbone.name} has other {' and '.join(differing)} than the model that was trained on"]


def _read(folder: Path, auto: Any, **how: Any) -> Any:
    """Load a part of a folder."""
    with _readable(folder):
        return auto.from_pretrained(folder, local_files_only=True, **how)


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """Say in one line what keeps a part of a folder from being read."""
    try:
        yield
    except Exception as error:
        # A broken file, or code that the model brings, may fail in any way.
        if "trust_remote_code" in str(error):
            raise BackboneError(
                f"the model of {folder} brings code of its own, which would run on this machine; look at it there, and "
                "add --trust-remote-code if you trust it (trust_remote_code=True in Python)"
            ) from error
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConfigurationError(f"cannot load what is in {folder}: {first}") from error
