"""The PEFT config of a part, as its folder holds it."""

from __future__ import annotations

from peft import PeftConfig, PeftType

from autopeft.backbones import Backbone, head_parameters
from autopeft.exporting.readable import shorten
from autopeft.methods.builder import Part
from autopeft.methods.stored_task import stored_task_type

__all__ = ["adapter_config", "is_stock"]


def adapter_config(part: Part, backbone: Backbone) -> PeftConfig:
    """Return the config that `get_peft_model` takes to adapt a task model and train its head."""
    config = part.method.peft_config(part.cells, backbone.anatomy)
    config.base_model_name_or_path = backbone.address
    config.revision = backbone.revision
    config.task_type = stored_task_type(backbone.meta(), config)
    config.modules_to_save = sorted({name.partition(".")[0] for name in head_parameters(backbone.meta())}) or None
    shorten(config, backbone)
    # PEFT keeps target names in a set, whose order changes from run to run.
    if isinstance(getattr(config, "target_modules", None), set):
        config.target_modules = sorted(config.target_modules)
    return config


def is_stock(config: PeftConfig) -> bool:
    """Tell whether PEFT loads a config without autopeft."""
    return config.peft_type in set(PeftType)
