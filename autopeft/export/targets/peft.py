"""Export to PEFT: adapter configs that `get_peft_model` takes, trained adapters that `PeftModel` loads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peft import PeftConfig, PeftModel
from peft.utils.constants import SAFETENSORS_WEIGHTS_NAME
from typing_extensions import override

from autopeft.backbones import Backbone
from autopeft.export.adapter import adapter_config, is_stock
from autopeft.export.by_parts import inserted_parts
from autopeft.export.job import ExportJob
from autopeft.export.rebuilt import Rebuilt, by_peft, rebuilt_peft
from autopeft.export.shortfall import Shortfall, beyond_config
from autopeft.export.target import Target
from autopeft.export.training import write_training
from autopeft.methods.builder import inject, original_name, plan
from autopeft.methods.storage import MANIFEST, copy_saved, read_manifest, write_manifest
from autopeft.space import Configuration

__all__ = ["Peft"]


class Peft(Target):
    """A folder that PEFT loads, or one for each method; with the trained adapters and head where there are some."""

    name = "peft"
    summary = "adapter_config.json, with the trained adapter and head of a finalist; one folder per method"
    carries_weights = True

    @override
    def shortfalls(self, configuration: Configuration, backbone: Backbone) -> Iterator[Shortfall]:
        """Yield what a config lacks of how the adapters are trained."""
        parts = plan(configuration)
        if not parts:
            yield Shortfall("modules", "no adapters: the head alone is trained")
        yield from beyond_config(parts)

    @override
    def write(self, job: ExportJob, folder: Path) -> list[str]:
        """Write configs, or copy trained adapters; beside them how they were trained."""
        parts = plan(job.configuration)
        if job.trained is None:
            for part in parts:
                adapter_config(part, job.backbone).save_pretrained(str(_home(folder, part.name, len(parts))))
            write_manifest(folder, job.configuration, [part.name for part in parts], str(job.backbone.path))
        else:
            copy_saved(job.trained, folder)
        write_training(job, folder)
        own = sorted({part.method.words.name for part in parts if not is_stock(adapter_config(part, job.backbone))})
        lines = [f"import autopeft  # PEFT itself lacks {', '.join(own)} as it is here"] if own else []
        if len(parts) > 1:
            return [*lines, *_several(job)]
        if job.trained is None:
            return [*lines, "model = get_peft_model(model, PeftConfig.from_pretrained(folder))"]
        return [*lines, "model = PeftModel.from_pretrained(model, folder)"]

    @override
    def rebuild(self, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
        """Build the configs as PEFT does; several are put in one after the other."""
        own = {original_name(name) for name, _ in model.named_parameters()}
        if (folder / SAFETENSORS_WEIGHTS_NAME).is_file():
            return rebuilt_peft(PeftModel.from_pretrained(model, str(folder), is_trainable=True), own)
        if (folder / "adapter_config.json").is_file():
            return by_peft(PeftConfig.from_pretrained(str(folder)), model)
        configuration, _ = read_manifest(folder)
        parts = plan(configuration, stored=True)
        inserted = [inject(part, model, backbone.anatomy, config=_without_head(folder / part.name)) for part in parts]
        return inserted_parts(inserted, model, backbone.anatomy, folder)


def _without_head(folder: Path) -> PeftConfig:
    """Return a config that leaves the head to the model, as all but the first of several must."""
    config = PeftConfig.from_pretrained(str(folder))
    config.modules_to_save = config.task_type = None
    return config


def _home(folder: Path, part: str, parts: int) -> Path:
    """Return where the config of a part stands."""
    return folder if parts == 1 else folder / part


def _several(job: ExportJob) -> list[str]:
    if job.trained is None:
        return [f"autopeft.methods.apply puts several methods into one model, as {MANIFEST} says; one folder for each"]
    return ["autopeft.methods.load(folder, model, backbone.anatomy)  # several methods: PEFT loads one of the folders"]
