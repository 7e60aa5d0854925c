"""Configurations out of what PEFT writes: an `adapter_config.json` of LoRA, placed by roles and layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from peft import LoraConfig
from peft.tuners.tuners_utils import _maybe_include_all_linear_layers, check_target_module_exists
from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
from peft.utils.other import get_pattern_key
from torch import nn
from transformers.pytorch_utils import Conv1D

from autopeft.backbones import Backbone, head_parameters
from autopeft.errors import ConfigurationError
from autopeft.methods.registry import VOCABULARY

__all__ = ["is_from_peft", "read_peft"]

#: What says where LoRA is and how large, and is read.
_READ = frozenset(
    {
        "r",
        "target_modules",
        "exclude_modules",
        "lora_alpha",
        "lora_dropout",
        "use_rslora",
        "use_dora",
        "init_lora_weights",
        "layers_to_transform",
        "layers_pattern",
        "rank_pattern",
        "alpha_pattern",
        "lora_bias",
    }
)

#: What says nothing of what is trained beside a head.
_PASSED_OVER = frozenset(
    {
        "task_type",
        "peft_type",
        "auto_mapping",
        "peft_version",
        "base_model_name_or_path",
        "revision",
        "inference_mode",
        "fan_in_fan_out",
        "modules_to_save",
        "megatron_core",
        "qalora_group_size",
        "runtime_config",
        "loftq_config",
        "eva_config",
        "corda_config",
        "lora_ga_config",
    }
)


def is_from_peft(data: Mapping[str, Any]) -> bool:
    """Tell whether data is what PEFT writes of an adapter."""
    return "peft_type" in data and "modules" not in data


def read_peft(data: Mapping[str, Any], backbone: Backbone) -> dict[str, Any]:
    """Return a configuration as `canonical` reads it, without a learning rate, of which PEFT's config says nothing.

    Which modules are meant is decided by PEFT itself.

    Args:
        data: What an `adapter_config.json` holds.
        backbone: The backbone that it is for.

    Raises:
        ConfigurationError: It is no LoRA, has what a configuration cannot say, or is also for modules in no layer.
    """
    if data["peft_type"] != "LORA":
        raise ConfigurationError(f"found a config of PEFT's {data['peft_type']}; expected LORA, or a configuration")
    defaults = {each.name: _default(each) for each in dataclasses.fields(LoraConfig)}
    further = [
        name for name, value in data.items() if name not in _READ | _PASSED_OVER and value != defaults.get(name, value)
    ]
    if further:
        raise ConfigurationError(
            f"found a LoRA config of PEFT with {', '.join(further)}, which configurations cannot say; expected none"
        )
    config = LoraConfig(**{name: value for name, value in data.items() if name in _READ})
    places = _places(config, backbone)
    rank = {place: _of(config.rank_pattern, name, config.r) for place, name in places.items()}
    alpha = {place: _of(config.alpha_pattern, name, config.lora_alpha) for place, name in places.items()}
    lora: dict[str, Any] = {
        "targets": list(dict.fromkeys(place.partition(".")[2] for place in places)),
        "rank": rank,
        "alpha": alpha,
        "variant": "dora" if config.use_dora else "rslora" if config.use_rslora else "lora",
        "init": _init(config.init_lora_weights),
        "dropout": config.lora_dropout,
        "lora_bias": config.lora_bias,
    }
    return {"modules": {"lora": lora}}


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _places(config: LoraConfig, backbone: Backbone) -> dict[str, str]:
    """Return the names of the modules that PEFT would adapt, by layer and role: `0.q`.

    Raises:
        ConfigurationError: None is in a layer, or one is not.
    """
    model, anatomy = backbone.meta(), backbone.anatomy
    known = {
        anatomy.module(layer, role): f"{layer}.{role}" for layer in range(anatomy.count) for role in anatomy.present
    }
    if config.target_modules is None:
        usual = TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING.get(model.config.model_type)
        if usual is None:
            raise ConfigurationError(f"target_modules is missing, and PEFT has none for {model.config.model_type}")
        config.target_modules = set(usual)
    _maybe_include_all_linear_layers(config, model)
    # A task head trains whole.
    head = {name.rpartition(".")[0] for name in head_parameters(model)} | {anatomy.output}
    linear = [
        name for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D) and name not in head
    ]
    meant = [name for name in linear if check_target_module_exists(config, name)]
    outside = [name for name in meant if name not in known]
    if outside or not meant:
        found = f"it is also for {', '.join(outside[:3])}, in no role of a layer" if meant else "it is for none"
        raise ConfigurationError(
            f"target_modules of the PEFT config: {found}; expected modules such as {', '.join(list(known)[:3])}"
        )
    return {known[name]: name for name in meant}


def _of(pattern: Mapping[str, Any], name: str, usual: Any) -> Any:
    return pattern.get(get_pattern_key(pattern.keys(), name), usual) if pattern else usual


def _init(written: Any) -> str:
    if written is True:
        return "default"
    [knob] = [each for each in VOCABULARY.methods["lora"].knobs if each.name == "init"]
    if written not in knob.choices:
        raise ConfigurationError(
            f"init_lora_weights of the PEFT config: found {written!r}, expected true or one of "
            f"{', '.join(knob.choices[1:])}"
        )
    return str(written)
