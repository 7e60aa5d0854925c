"""Export to PEFT: adapter configs that `get_peft_model` takes."""

from __future__ import annotations

import copy
from pathlib import Path

from peft import PeftConfig, PeftType, get_peft_model

from autopeft.backbones import Backbone, Decoder, head_parameters
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods.builder import original_name, plan
from autopeft.space import Configuration

__all__ = ["export_peft"]


def export_peft(configuration: Configuration, backbone: Backbone, folder: Path) -> list[str]:
    """Write the adapter config of a configuration, or one folder per method where it has several.

    What was written is read back and built on the meta device before this returns: its trainable parameters must be
    those of the configuration.

    Args:
        configuration: What to export.
        backbone: The backbone it was searched on.
        folder: Where to write; made if need be.

    Returns:
        Lines that say how to use what was written.

    Raises:
        ConfigurationError: When there is nothing to export, or the files do not build what they should.
    """
    parts = plan(configuration)
    if not parts:
        raise ConfigurationError("the untouched backbone has no adapter to export; pick a configuration with one")
    head = sorted({name.partition(".")[0] for name in head_parameters(backbone.meta())})
    built, own = 0, set()
    for part in parts:
        config = part.method.peft_config(part.cells, backbone.anatomy)
        config.base_model_name_or_path = str(backbone.path)
        config.task_type = "CAUSAL_LM" if isinstance(backbone, Decoder) else "SEQ_CLS"
        if config.peft_type not in set(PeftType):
            own.add(part.method.words.name)
        config.modules_to_save = head or None
        # PEFT keeps target names in a set, whose order changes from run to run.
        if getattr(config, "target_modules", None):
            config.target_modules = sorted(config.target_modules)
        target = folder if len(parts) == 1 else folder / part.name
        config.save_pretrained(str(target))
        built += _count(target, backbone)
    expected = Costs(backbone).params(configuration)
    if built != expected:
        raise ConfigurationError(
            f"the exported files build {built:,} trainable parameters, the configuration has {expected:,}"
        )
    lines = [f"import autopeft  # PEFT itself lacks {', '.join(sorted(own))} as it is here"] if own else []
    if len(parts) == 1:
        return [*lines, f"model = get_peft_model(model, PeftConfig.from_pretrained({str(folder)!r}))"]
    return [
        *lines,
        "autopeft.methods.apply puts several methods into one model; the folders hold one PEFT config each",
    ]


def _count(folder: Path, backbone: Backbone) -> int:
    """Count the adapter parameters that a written config builds on the meta device."""
    config = PeftConfig.from_pretrained(str(folder))
    # Without a task type PEFT leaves the head alone, so that only the adapter is new.
    config.modules_to_save = config.task_type = None
    adapted = get_peft_model(copy.deepcopy(backbone.meta()), config, low_cpu_mem_usage=True)
    frozen = {original_name(name) for name, _ in backbone.meta().named_parameters()}
    return sum(
        parameter.numel()
        for name, parameter in adapted.named_parameters()
        if original_name(name.removeprefix("base_model.model.")) not in frozen
    )
