"""Trained adapters on disk, in PEFT's format: one folder per method where there are several."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from peft.utils.constants import SAFETENSORS_WEIGHTS_NAME
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy, head_parameters
from autopeft.errors import ConfigurationError
from autopeft.methods.builder import applied, apply, original_name, plan
from autopeft.methods.method import Method
from autopeft.space import Configuration

__all__ = ["load", "save"]

#: The file that says what a folder holds, and what to build from it.
MANIFEST = "autopeft.json"
_HEAD = "head.safetensors"
_PEFT = "base_model.model."
_ADAPTER = "default"


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
    steps = plan(done.configuration)
    head = {name: parameter.detach().contiguous() for name, parameter in head_parameters(model).items()}
    for method, places in steps:
        config = method.peft_config(places, done.anatomy)
        config.base_model_name_or_path = model.name_or_path or None
        config.inference_mode = True
        tensors = {_PEFT + key: value for key, value in _tensors(model, method).items()}
        if len(steps) == 1 and head:
            config.task_type = "SEQ_CLS"
            config.modules_to_save = sorted({name.partition(".")[0] for name in head})
            tensors.update({_PEFT + name: value for name, value in head.items()})
        # PEFT keeps target names in a set, whose order changes from run to run.
        config.target_modules = sorted(config.target_modules)
        target = folder if len(steps) == 1 else folder / method.words.name
        config.save_pretrained(str(target))
        save_file(tensors, str(target / SAFETENSORS_WEIGHTS_NAME), metadata={"format": "pt"})
    if len(steps) != 1 and head:
        save_file(head, str(folder / _HEAD), metadata={"format": "pt"})
    manifest = {
        "configuration": done.configuration.to_dict(),
        "methods": [method.words.name for method, _ in steps],
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


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
    try:
        data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        configuration = Configuration.from_dict(data["configuration"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{folder}: no readable {MANIFEST}; expected a folder of saved adapters") from error
    apply(configuration, model, anatomy)
    steps = plan(configuration)
    head: dict[str, torch.Tensor] = {}
    for method, _ in steps:
        source = folder if len(steps) == 1 else folder / method.words.name
        saved = {key.removeprefix(_PEFT): value for key, value in load_file(source / SAFETENSORS_WEIGHTS_NAME).items()}
        own = _tensors(model, method)
        _copy({key: value for key, value in saved.items() if key in own}, own, source)
        head.update({key: value for key, value in saved.items() if key not in own})
    if (folder / _HEAD).is_file():
        head.update(load_file(folder / _HEAD))
    _copy(head, {name: parameter.detach() for name, parameter in head_parameters(model).items()}, folder)
    return configuration


def _tensors(model: PreTrainedModel, method: Method) -> dict[str, torch.Tensor]:
    """Return the adapter tensors of one method, by their names in a model without other methods."""
    tensors = {}
    for name, module in model.named_modules():
        if isinstance(module, method.layer_class):
            for attribute in module.adapter_layer_names:
                for key, parameter in getattr(module, attribute).named_parameters():
                    if key.partition(".")[0] == _ADAPTER:
                        path = [original_name(name), attribute, *key.split(".")[1:]]
                        tensors[".".join(path)] = parameter.detach()
    return tensors


def _copy(source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor], folder: Path) -> None:
    """Copy tensors into those of the same names."""
    if source.keys() != target.keys():
        odd = sorted(source.keys() ^ target.keys())
        raise ConfigurationError(f"{folder} does not fit the model: tensors of other names, {', '.join(odd[:5])}")
    for name, value in source.items():
        if value.shape != target[name].shape:
            raise ConfigurationError(
                f"{folder} does not fit the model: {name} is {tuple(value.shape)}, "
                f"the model has {tuple(target[name].shape)}"
            )
        target[name].copy_(value)
