"""Export to PEFT: adapter configs that `get_peft_model` takes, trained adapters that `PeftModel` loads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftConfig, PeftModel, PeftType
from peft.utils.constants import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME
from typing_extensions import override

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError
from autopeft.exporting.adapter import adapter_config, is_stock
from autopeft.exporting.by_parts import inserted_parts
from autopeft.exporting.guide import Guide
from autopeft.exporting.job import ExportJob
from autopeft.exporting.readable import shorten
from autopeft.exporting.rebuilt import Rebuilt, by_peft, rebuilt_peft
from autopeft.exporting.shortfall import Shortfall, beyond_config
from autopeft.exporting.target import Target
from autopeft.exporting.training import TRAINING, copy_notes, write_training
from autopeft.methods.builder import Part, inject, original_name, plan
from autopeft.methods.pruning import PRUNING
from autopeft.methods.storage import MANIFEST, copy_saved, read_manifest, write_manifest
from autopeft.saved import loading_code, use_of, write_companions
from autopeft.saved.card import PLUGIN, explained
from autopeft.saved.companions import plugin_files
from autopeft.space import Configuration
from autopeft.tasks.row_hashes import TRAINING_ROWS
from autopeft.trials.card_code import trusting
from autopeft.trials.settled import SETTLED

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
        # No config of PEFT's says anything of training: what was trained is the same without.
        yield from (replace(each, lossy=True) for each in beyond_config(configuration))

    @override
    def write(self, job: ExportJob, folder: Path) -> Guide:
        """Write configs, or copy trained adapters; beside them what loading takes, and how they were trained."""
        parts = plan(job.configuration)
        if job.trained is not None and PRUNING.asked(job.configuration.training) is not None:
            raise ConfigurationError(
                "peft cannot express training.pruning: what was trained belongs beside weights some of which are 0, "
                "and PEFT puts it beside the whole ones; expected a plain model of it, by `autopeft train --merge`"
            )
        if job.trained is None:
            for part in parts:
                adapter_config(part, job.backbone).save_pretrained(str(_home(folder, part.name, len(parts))))
        else:
            copy_saved(job.trained, folder)
            for name in (TRAINING_ROWS, SETTLED):
                if (job.trained / name).is_file():
                    shutil.copyfile(job.trained / name, folder / name)
            use_of(job.backbone, job.task, job.setting).write(folder)
            for part in parts:
                _rewrite(_home(folder, part.name, len(parts)), part, job)
        backbone = job.backbone
        model = backbone.name if backbone.package else backbone.path
        write_manifest(folder, job.configuration, [part.name for part in parts], model)
        write_companions(job.configuration, backbone, job.task, folder)
        write_training(job, folder)
        code = (
            loading_code(job.configuration, backbone, job.task, job.setting.max_length) if job.trained else _fresh(job)
        )
        own = {file.name for file in plugin_files(job.configuration, job.task)}
        known = dict.fromkeys(own, PLUGIN)
        known |= {part.name: "the adapter of this method, as PEFT has it" for part in parts if len(parts) > 1}
        files = {
            path.name + "/" * path.is_dir(): known.get(path.name, explained(path.name))
            for path in sorted(folder.iterdir())
        }
        return Guide({**files, TRAINING: "how it was trained, for people"}, code=code, notes=_notes(job, len(parts)))

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


def _rewrite(folder: Path, part: Part, job: ExportJob) -> None:
    """Write the config of a trained adapter in fewer words: which matrices, and whose model."""
    if not (folder / CONFIG_NAME).is_file():
        return
    config = PeftConfig.from_pretrained(str(folder))
    if config.peft_type == PeftType.LORA and type(config) is LoraConfig:
        shorten(config, job.backbone)
    config.base_model_name_or_path = job.backbone.address
    config.revision = job.backbone.revision
    if isinstance(getattr(config, "target_modules", None), set):
        config.target_modules = sorted(config.target_modules)
    config.save_pretrained(str(folder))


def _fresh(job: ExportJob) -> str:
    """Return code that puts untrained adapters into the model."""
    parts = plan(job.configuration)
    kind = job.kind.auto_class
    reader, called, _ = job.kind.reader
    trust = trusting(job.backbone)
    begin = [
        *(["from importlib.resources import files", ""] if job.backbone.package else []),
        "from peft import PeftConfig, get_peft_model",
        f"from transformers import AutoConfig, {kind}, {reader}",
        "",
        *_entering(job),
        f'config = AutoConfig.from_pretrained("."{trust})',
        f'{called} = {reader}.from_pretrained("."{trust})',
        *_base(job.backbone),
        f"model = {kind}.from_pretrained(base, config=config{_how(job.backbone)})",
    ]
    if len(parts) == 1 and not job.backbone.mended:
        return "\n".join([*begin, 'model = get_peft_model(model, PeftConfig.from_pretrained("."))'])
    load, make = job.kind.own_loading()
    model = job.backbone.name if job.backbone.package else job.backbone.path
    return "\n".join(
        [
            "from pathlib import Path",
            "",
            f"from autopeft.backbones import {load}",
            "from autopeft.methods import apply",
            "from autopeft.methods.storage import read_manifest",
            "",
            f"backbone = {load}({model!r})",
            f"model = backbone.{make}",
            'apply(read_manifest(Path("."))[0], model, backbone.anatomy)',
        ]
    )


def _entering(job: ExportJob) -> list[str]:
    """Return the lines that make methods known which PEFT lacks."""
    plugins = [file.name for file in plugin_files(job.configuration)]
    lines = [f"load_plugin(Path({name!r}))  # the method is from this file" for name in plugins]
    if lines:
        return ["from pathlib import Path", "from autopeft.plugins import load_plugin", "", *lines]
    stock = all(is_stock(adapter_config(part, job.backbone)) for part in plan(job.configuration))
    return [] if stock else ["import autopeft  # makes the method known to PEFT", ""]


def _base(backbone: Backbone) -> list[str]:
    """Return the lines that say where the model is: of an installed copy its package."""
    if backbone.package is None:
        return [f"base = {backbone.path!r}"]
    package, _, folder = backbone.package.partition("/")
    return [
        f"# The installed copy of {backbone.address}, which may stand here as well.",
        f"base = files({package!r}) / {folder!r}",
    ]


def _how(backbone: Backbone) -> str:
    revision = f", revision={backbone.revision!r}" if backbone.revision else ""
    return revision + trusting(backbone)


def _notes(job: ExportJob, parts: int) -> tuple[str, ...]:
    """Say what other programs find in the folder."""
    notes = copy_notes(job)
    if parts > 1:
        return (*notes, f"PEFT alone loads one method; several are put into one model as {MANIFEST} says.")
    if job.trained is not None and (job.kind.writes or job.kind.prefers) and parts == 1:
        notes += (
            "Servers of LoRA folders, vLLM's for one, read adapter_config.json and adapter_model.safetensors, and the "
            "tokenizer where it is; llama.cpp's convert_lora_to_gguf.py reads these two, and with --base the folder of "
            "the model for its config.json.",
        )
    return notes
