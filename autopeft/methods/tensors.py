"""The tensors of what is in a model, by the names they have in files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from torch import nn

from autopeft.backbones import Anatomy
from autopeft.errors import ConfigurationError
from autopeft.methods.builder import Inserted, original_name
from autopeft.methods.prompts import prompt_of

__all__ = ["MEND", "PLACED", "built_tensors", "copy_into", "restore", "stored_tensors"]

#: What the names of stored tensors begin with that belong to a place; others belong to a method as a whole.
PLACED = "base_model.model."
_ADAPTER = "default"

#: What to do about a folder and a model that do not belong together.
MEND = "expected the model that it was trained on: give that by --model"


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
    copy_into({key: value for key, value in saved.items() if key in own}, own, source)
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


def copy_into(source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor], folder: Path) -> None:
    """Copy tensors into those of the same names."""
    if source.keys() != target.keys():
        odd = sorted(source.keys() ^ target.keys())
        raise ConfigurationError(
            f"{folder} does not fit the model: tensors of other names, {', '.join(odd[:5])}; {MEND}"
        )
    for name, value in source.items():
        if value.shape != target[name].shape:
            raise ConfigurationError(
                f"{folder} does not fit the model: {name} is {tuple(value.shape)}, "
                f"the model has {tuple(target[name].shape)}; {MEND}"
            )
        target[name].copy_(value)
