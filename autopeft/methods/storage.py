"""Trained adapters on disk, in PEFT's format: one folder per method where there are several."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils.constants import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy, head_parameters, task_type_of
from autopeft.errors import ConfigurationError
from autopeft.methods.builder import Inserted, applied, apply, original_name
from autopeft.methods.prompts import prompt_of
from autopeft.methods.registry import METHODS
from autopeft.space import Configuration

__all__ = [
    "HEAD",
    "MANIFEST",
    "PLACED",
    "built_tensors",
    "copy_saved",
    "load",
    "read_manifest",
    "restore",
    "save",
    "stored_tensors",
    "write_manifest",
]

#: The file that says what a folder holds, and what to build from it.
MANIFEST = "autopeft.json"
#: The file of the task head, where it is in no adapter's file.
HEAD = "head.safetensors"
#: What the names of stored tensors begin with that belong to a place; others belong to a method as a whole.
PLACED = "base_model.model."
_ADAPTER = "default"

#: What to do about a folder and a model that do not belong together.
_MEND = "expected the model that it was trained on: give that by --model"


def save(model: PreTrainedModel, folder: str | Path) -> None:
    """Write the adapters and the task head of a model.

    One method: a folder that `PeftModel.from_pretrained` loads, head included. Several: such a folder per
    method, and the head beside them. The configuration is written as `autopeft.json` in any case.

    Args:
        model: A model that `apply` adapted.
        folder: Where to write; made if need be.
    """
    done = applied(model)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    head = {name: parameter.detach().contiguous() for name, parameter in head_parameters(model).items()}
    alone = len(done.inserted) == 1
    for inserted in done.inserted:
        method = inserted.part.method
        config = method.stored_config(inserted.tuner, inserted.part.cells, done.anatomy)
        config.base_model_name_or_path = model.name_or_path or None
        config.inference_mode = True
        stored = stored_tensors(inserted, done.anatomy)
        tensors = {name: value.clone().contiguous() for name, value in stored.items()}
        if alone and head:
            config.task_type = task_type_of(model)
            config.modules_to_save = sorted({name.partition(".")[0] for name in head})
            # PEFT wraps a model once for prompts, twice for adapters.
            outer = "base_model." if isinstance(inserted.tuner, PeftModel) else PLACED
            tensors.update({outer + name: value for name, value in head.items()})
        elif alone and model.get_output_embeddings() is not None:
            # Or PEFT would not put prompts before what a decoder generates.
            config.task_type = task_type_of(model)
        # PEFT keeps target names in a set, whose order changes from run to run.
        if getattr(config, "target_modules", None):
            config.target_modules = sorted(config.target_modules)
        target = folder if alone else folder / inserted.part.name
        config.save_pretrained(str(target))
        save_file(tensors, str(target / SAFETENSORS_WEIGHTS_NAME), metadata={"format": "pt"})
    if not alone and head:
        save_file(head, str(folder / HEAD), metadata={"format": "pt"})
    parts = [inserted.part.name for inserted in done.inserted]
    write_manifest(folder, done.configuration, parts, model.name_or_path or None)


def copy_saved(folder: Path, to: Path) -> None:
    """Copy the files that `save` wrote, and none that were put beside them."""
    written = {MANIFEST, HEAD, CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME}

    def others(place: str, names: list[str]) -> list[str]:
        return [name for name in names if name not in written and not (Path(place) / name).is_dir()]

    shutil.copytree(folder, to, dirs_exist_ok=True, ignore=others)


def write_manifest(folder: Path, configuration: Configuration, parts: Sequence[str], model: str | None) -> None:
    """Write the file that says what a folder holds, and for which model."""
    manifest = {"configuration": configuration.to_dict(), "parts": list(parts), "model": model}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> tuple[Configuration, str | None]:
    """Read which configuration a folder holds, and the path or hub id of the model it is for, where that is known.

    Raises:
        ConfigurationError: When it is none that `save` wrote.
    """
    try:
        data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return Configuration.from_dict(data["configuration"]), data.get("model")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{folder}: no readable {MANIFEST}; expected a folder of saved adapters") from error


def load(folder: str | Path, model: PreTrainedModel, anatomy: Anatomy) -> Configuration:
    """Put saved adapters and the saved task head into a model.

    Args:
        folder: What `save` wrote.
        model: The same model without adapters, with a head of the same shape; changed in place.
        anatomy: The resolved anatomy of its backbone.

    Returns:
        The configuration that was built.

    Raises:
        ConfigurationError: The folder is not one `save` wrote, or does not fit the model.
    """
    folder = Path(folder)
    configuration, _ = read_manifest(folder)
    _check_known(configuration, folder)
    apply(configuration, model, anatomy, stored=True)
    inserted = applied(model).inserted
    head: dict[str, torch.Tensor] = {}
    for each in inserted:
        source = folder if len(inserted) == 1 else folder / each.part.name
        rest = restore(each, anatomy, _read(source / SAFETENSORS_WEIGHTS_NAME), source)
        head.update({key.removeprefix(PLACED).removeprefix("base_model."): value for key, value in rest.items()})
    if (folder / HEAD).is_file():
        head.update(_read(folder / HEAD))
    _copy(head, {name: parameter.detach() for name, parameter in head_parameters(model).items()}, folder)
    return configuration


def _check_known(configuration: Configuration, folder: Path) -> None:
    """Refuse adapters of methods that are not known, whose code nobody has asked to run."""
    unknown = [name for name in configuration.modules if name not in METHODS]
    if unknown:
        raise ConfigurationError(
            f"{folder} holds adapters of {' and '.join(unknown)}, which autopeft lacks; name the Python file that "
            "registers it by --plugin, if you trust it: it may be the .py in that folder"
        )


def _read(file: Path) -> dict[str, torch.Tensor]:
    """Read a file of tensors.

    Raises:
        ConfigurationError: When it is missing or broken.
    """
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise ConfigurationError(f"cannot read the weights in {file}: {error}; save the adapters again") from error


def restore(
    inserted: Inserted, anatomy: Anatomy, saved: Mapping[str, torch.Tensor], source: Path
) -> dict[str, torch.Tensor]:
    """Copy the tensors of a part into a model that has it; return those that are not the part's.

    Args:
        inserted: The part.
        anatomy: The resolved anatomy of the model's backbone.
        saved: The tensors by the names of `stored_tensors`.
        source: Where they are from, for messages.

    Raises:
        ConfigurationError: When some are missing or of another shape.
    """
    if isinstance(inserted.tuner, PeftModel):
        _load_prompt(inserted.tuner, saved)
    inserted.part.method.shape_as(inserted.tuner, saved)
    own = built_tensors(inserted, anatomy)
    _copy({key: value for key, value in saved.items() if key in own}, own, source)
    return {key: value for key, value in saved.items() if key not in own}


def stored_tensors(inserted: Inserted, anatomy: Anatomy) -> dict[str, torch.Tensor]:
    """Return the tensors that `save` writes of a part, by their names in its file."""
    return inserted.part.method.stored_tensors(inserted.tuner, built_tensors(inserted, anatomy))


class _Shell(nn.Module):
    """A tuner seen as PEFT's save and load functions want it: as the `base_model` of a `PeftModel`."""

    def __init__(self, tuner: BaseTuner) -> None:
        super().__init__()
        self.base_model = tuner
        self.peft_config = tuner.peft_config


def built_tensors(inserted: Inserted, anatomy: Anatomy) -> dict[str, torch.Tensor]:
    """Return the tensors PEFT stores of a part as it is, by their names in a model without other methods."""
    part, tuner = inserted.part, inserted.tuner
    if isinstance(tuner, PeftModel):
        return _prompt_tensors(tuner)
    kind = type(tuner)
    shell = _Shell(tuner)
    config = tuner.peft_config[_ADAPTER]
    wrapped = part.method.wraps(part.cells, anatomy)
    own = {
        name: isinstance(module, part.method.layer_class) and original_name(name) in wrapped
        for name, module in tuner.model.named_modules()
        if isinstance(module, (BaseTunerLayer, part.method.layer_class))
    }
    named = kind._get_adapter_state_dict(shell, config, _ADAPTER, shell.state_dict(), [])
    stored = {}
    for key, value in named.items():
        inside = key.removeprefix(PLACED) if key.startswith(PLACED) else None
        layers = [name for name in own if inside is not None and inside.startswith(f"{name}.")]
        # What lies outside the model is the tuner's own; of nested layers the innermost owns a tensor.
        if inside is None or own[max(layers, key=len)]:
            stored[original_name(kind._remove_adapter_name_from_key(key, _ADAPTER))] = value
    return stored


def _prompt_tensors(tuner: PeftModel) -> dict[str, torch.Tensor]:
    """Return what PEFT stores of a prompt: its embeddings, which a network may have made."""
    encoder = prompt_of(tuner)
    with torch.no_grad():
        named = type(encoder)._get_adapter_state_dict(tuner, tuner.peft_config[_ADAPTER], _ADAPTER, {}, [])
    return {name: value.detach() for name, value in named.items()}


def _load_prompt(tuner: PeftModel, saved: Mapping[str, torch.Tensor]) -> None:
    """Load a stored prompt as it is: a network that made it is not stored, so the encoder is built without one."""
    tuner.peft_config[_ADAPTER].inference_mode = True
    before = [(parameter, parameter.requires_grad) for parameter in tuner.base_model.parameters()]
    tuner._setup_prompt_encoder(_ADAPTER)
    for parameter, requires_grad in before:
        parameter.requires_grad_(requires_grad)
    prompt_of(tuner)._load_adapter_state_dict(saved)


def _copy(source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor], folder: Path) -> None:
    """Copy tensors into those of the same names."""
    if source.keys() != target.keys():
        odd = sorted(source.keys() ^ target.keys())
        raise ConfigurationError(
            f"{folder} does not fit the model: tensors of other names, {', '.join(odd[:5])}; {_MEND}"
        )
    for name, value in source.items():
        if value.shape != target[name].shape:
            raise ConfigurationError(
                f"{folder} does not fit the model: {name} is {tuple(value.shape)}, "
                f"the model has {tuple(target[name].shape)}; {_MEND}"
            )
        target[name].copy_(value)
