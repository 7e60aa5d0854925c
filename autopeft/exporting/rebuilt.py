"""A model as the files of a target build it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from peft import PeftConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from torch import nn

from autopeft.errors import ConfigurationError
from autopeft.methods import METHODS
from autopeft.methods.builder import original_name
from autopeft.methods.stored_task import mixes_tasks

__all__ = ["Rebuilt", "Tensors", "by_peft", "rebuilt_peft"]

#: The adapter tensors of each part of a configuration, by the names that PEFT stores them under; of a prompt, those of
#: its encoder.
Tensors = Sequence[Mapping[str, torch.Tensor]]

#: What PEFT puts before the names of a model's modules.
_OUTER = "base_model.model."


@dataclass(frozen=True)
class Rebuilt:
    """A model that the files of a target built.

    Args:
        model: The adapted model.
        modules: Full names of the modules that were adapted.
        trainable: Trainable parameters, the task head not counted.
        load: Loads adapter tensors.
        inputs: What its forward wants beside the inputs of the task.
    """

    model: nn.Module
    modules: frozenset[str]
    trainable: int
    load: Callable[[Tensors], None]
    inputs: Mapping[str, torch.Tensor] = field(default_factory=dict)


def by_peft(config: PeftConfig, model: Any) -> Rebuilt:
    """Build a config as stock PEFT does."""
    own = {original_name(name) for name, _ in model.named_parameters()}
    # PEFT warns of another name, which that of an installed copy is.
    config.base_model_name_or_path = model.name_or_path
    return rebuilt_peft(get_peft_model(model, config), own)


def rebuilt_peft(adapted: PeftModel, own: set[str]) -> Rebuilt:
    """Describe a model that PEFT adapted.

    Args:
        adapted: The model.
        own: Names of the parameters it had before.
    """
    config = adapted.active_peft_config
    # Not all layers of PEFT's are of its base class.
    layers = {method.layer_class for method in METHODS.values()}
    modules = frozenset(
        original_name(name.removeprefix(_OUTER))
        for name, module in adapted.named_modules()
        if any(isinstance(module, layer) for layer in layers)
    )
    trainable = sum(
        parameter.numel()
        for name, parameter in adapted.named_parameters()
        if parameter.requires_grad and ".modules_to_save." not in name and not _is_own(name, own)
    )

    def load(tensors: Tensors) -> None:
        [alone] = tensors
        if config.is_prompt_learning:
            adapted.prompt_encoder["default"].load_state_dict(alone)
            return
        # The head is the model's own in both. Whether the embeddings have grown PEFT would ask the hub.
        own_state = get_peft_model_state_dict(adapted, save_embedding_layers=False)
        unexpected = set_peft_model_state_dict(adapted, own_state | dict(alone)).unexpected_keys
        if unexpected:
            raise ConfigurationError(f"the exported files build no {unexpected[0]}")

    if not mixes_tasks(config):
        return Rebuilt(adapted, modules, trainable, load)
    # There is one task here. What PEFT's class for the task of the model hands on beside, not all models take.
    model = adapted if config.is_prompt_learning else adapted.base_model
    return Rebuilt(model, modules, trainable, load, {"task_ids": torch.zeros(1, dtype=torch.long)})


def _is_own(name: str, own: set[str]) -> bool:
    return original_name(name.removeprefix(_OUTER).removeprefix("base_model.")) in own
