"""Open a folder of something trained, by what it holds alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
)

from autopeft.backbones import Backbone, load_backbone, load_decoder
from autopeft.errors import BackboneError, ConfigurationError
from autopeft.methods import load
from autopeft.saved.companions import ROLES_FILE
from autopeft.saved.use import Use
from autopeft.tasks import CausalTask, Task
from autopeft.trials import kind_of, pick_device

__all__ = ["Opened", "open_saved"]


@dataclass(frozen=True)
class Opened:
    """Something trained, ready to be used.

    Args:
        folder: Its folder.
        use: How it is used.
        task: For what, without its data.
        model: The model, in eval mode on its device.
        tokenizer: Its tokenizer.
        notes: Lines on what it is, for people.
    """

    folder: Path
    use: Use
    task: Task | CausalTask
    model: PreTrainedModel
    tokenizer: Any
    notes: tuple[str, ...]

    def ending_tokens(self) -> set[int]:
        """Return the tokens that end an answer."""
        found = GenerationConfig.from_pretrained(self.folder).eos_token_id
        return set() if found is None else set(found) if isinstance(found, list) else {found}


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
    config, tokenizer = (_read(folder, each, trust_remote_code) for each in (AutoConfig, AutoTokenizer))
    labels = () if use.form is not None else tuple(config.id2label[number] for number in range(config.num_labels))
    task = use.empty_task(labels)
    if use.base is None:
        auto = AutoModelForCausalLM if isinstance(task, CausalTask) else AutoModelForSequenceClassification
        whole = _read(folder, auto, trust_remote_code, dtype="float32").to(pick_device()).eval()
        return Opened(folder, use, task, whole, tokenizer, (f"the whole model of {folder}",))
    backbone, notes = _backbone(folder, use, task, model, trust_remote_code)
    adapted = kind_of(task).model(backbone, pick_device())
    configuration = load(folder, adapted, backbone.anatomy)
    what = f"{configuration.describe()}, of {backbone.name}"
    return Opened(folder, use, task, adapted.eval(), tokenizer, (what, *notes))


def _backbone(
    folder: Path, use: Use, task: Task | CausalTask, model: str | None, trust_remote_code: bool
) -> tuple[Backbone, list[str]]:
    """Return the model that adapters are for, and what there is to say of it."""
    assert use.base is not None
    roles = folder / ROLES_FILE
    make = load_decoder if isinstance(task, CausalTask) else load_backbone
    try:
        backbone = make(
            model or use.base.path,
            use.base.revision if model is None else None,
            roles if roles.is_file() else None,
            use.base.quantization,
            trust_remote_code,
        )
    except BackboneError as error:
        if model is not None:
            raise
        raise BackboneError(f"{error}. The adapters of {folder} are for it: say where it is by --model") from error
    known = dict(use.base.identity)
    found = dict(backbone.identity)
    # Called otherwise, it may still be the same.
    differing = [key for key in ("weights", "revision", "code") if known.get(key) != found.get(key)]
    if not differing or "weights" not in known or "weights" not in found:
        return backbone, []
    if model is None:
        raise ConfigurationError(
            f"{backbone.path} holds other {' and '.join(differing)} than when the adapters of {folder} were trained on "
            "it; name the model that they are for by --model"
        )
    return backbone, [f"{backbone.name} has other {' and '.join(differing)} than the model that was trained on"]


def _read(folder: Path, auto: Any, trust_remote_code: bool, **how: Any) -> Any:
    """Load a part of a folder."""
    try:
        return auto.from_pretrained(folder, local_files_only=True, trust_remote_code=trust_remote_code, **how)
    except (OSError, ValueError, KeyError, ImportError) as error:
        if "trust_remote_code" in str(error):
            raise BackboneError(
                f"the model of {folder} brings code of its own, which would run on this machine; look at it there, and "
                "add --trust-remote-code if you trust it (trust_remote_code=True in Python)"
            ) from error
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConfigurationError(f"cannot load what is in {folder}: {first}") from error
