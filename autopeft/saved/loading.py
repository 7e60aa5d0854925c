"""The code on a card: it loads what the folder holds and lets it read two texts, as it stands."""

from __future__ import annotations

from pathlib import Path

from peft import PeftType

from autopeft.backbones import Backbone
from autopeft.methods.builder import plan
from autopeft.methods.compression import COMPRESSION
from autopeft.methods.prompts import InFront
from autopeft.methods.pruning import PRUNING
from autopeft.methods.storage import HEAD
from autopeft.methods.stored_task import mixes_tasks
from autopeft.saved.companions import ROLES_FILE, plugin_files
from autopeft.space import Configuration
from autopeft.tasks import Task
from autopeft.trials import TRIALS, kind_of
from autopeft.trials.card_code import trusting

__all__ = ["loading_code", "merged_code"]


def loading_code(
    configuration: Configuration, backbone: Backbone, task: Task, max_length: int, *, full: bool = False
) -> str:
    """Return Python code that loads what was trained and uses it, to be run in its folder.

    Args:
        configuration: What was trained.
        backbone: On what.
        task: For what.
        max_length: Where texts are cut.
        full: Whether the folder holds a whole model, after full fine-tuning.
    """
    imports = {"import torch"}
    lines = _model(configuration, backbone, task, imports, full)
    alone = not full and any(isinstance(part.method, InFront) for part in plan(configuration, stored=True))
    use = kind_of(task).adapted_by(configuration).using_code(backbone, task, max_length, alone)
    imports |= {line for line in use if line.startswith("from ")}
    use = [line for line in use if line not in imports]
    imports.add(f"from transformers import {', '.join(sorted(_names([*lines, *use])))}")
    plain = sorted(line for line in imports if line.startswith("import"))
    named = sorted((line for line in imports if line.startswith("from")), key=str.lower)
    ours = _ours(configuration)
    return "\n".join([*plain, *named, *ours, "", *lines, "", *use])


def merged_code(backbone: Backbone, task: Task, max_length: int) -> str:
    """Return Python code that uses a merged model, to be run in its folder; arguments likewise."""
    return "\n".join(kind_of(task).merged_code(backbone, task, max_length))


_TRANSFORMERS = {"AutoConfig", "BitsAndBytesConfig", "GenerationConfig"}


def _names(lines: list[str]) -> set[str]:
    known = _TRANSFORMERS | {name for kind in TRIALS.values() for name in (kind.auto_class, kind.reader[0])}
    return {name for name in known if any(f"{name}." in line or f"{name}(" in line for line in lines)}


def _ours(configuration: Configuration) -> list[str]:
    """Return the lines that make methods known which PEFT lacks."""
    lines = [
        line
        for file in plugin_files(configuration)
        for line in ("", f"load_plugin(Path({file.name!r}))  # the method is from this file")
    ]
    return ["from pathlib import Path", "", "from autopeft.plugins import load_plugin", *lines] if lines else []


def _model(configuration: Configuration, backbone: Backbone, task: Task, imports: set[str], full: bool) -> list[str]:
    """Return the lines that load tokenizer and model."""
    parts = plan(configuration, stored=True)
    here = f'"."{trusting(backbone)}'
    reader, called, _ = kind_of(task).reader
    lines = [f"config = AutoConfig.from_pretrained({here})", f"{called} = {reader}.from_pretrained({here})"]
    kind = kind_of(task).auto_class
    if full:
        return [*lines, f"model = {kind}.from_pretrained({here}).eval()"]
    training = configuration.training
    configs = [part.method.peft_config(part.cells, backbone.anatomy) for part in parts]
    by_task = any(mixes_tasks(config) for config in configs)
    if len(parts) > 1 or by_task or backbone.mended or COMPRESSION.asked(training) or PRUNING.asked(training):
        return [*lines, *_by_autopeft(backbone, task, imports)]
    given = f"{_base(backbone)}, config=config, dtype=torch.float32{_how(backbone)}"
    lines.append(f"model = {kind}.from_pretrained({given})")
    if not parts:
        imports.add("from safetensors.torch import load_file")
        return [*lines, f'model.load_state_dict(load_file("{HEAD}"), strict=False)', "model.eval()"]
    imports.add("from peft import PeftModel")
    if configs[0].peft_type not in set(PeftType):
        imports.add("import autopeft  # makes the method known to PEFT")
    return [*lines, 'model = PeftModel.from_pretrained(model, ".").eval()']


def _by_autopeft(backbone: Backbone, task: Task, imports: set[str]) -> list[str]:
    """Return the lines that load several methods, of which PEFT alone would load one, or one that PEFT asks the task of
    each input for, or what is packed, or beside weights that are pruned, or into a model that has to be mended first.
    """
    load, make = kind_of(task).own_loading()
    imports |= {f"from autopeft.backbones import {load}", "from autopeft.methods import load"}
    given = [repr(_path(backbone))]
    if backbone.revision:
        given.append(f"revision={backbone.revision!r}")
    if backbone.roles is not None:
        imports.add("from pathlib import Path")
        given.append(f"roles=Path({ROLES_FILE!r})")
    if backbone.quantization:
        given.append(f"quantization={backbone.quantization!r}")
    if backbone.runs_own_code:
        given.append("trust_remote_code=True")
    return [
        f"backbone = {load}({', '.join(given)})",
        f"model = backbone.{make}",
        'load(".", model, backbone.anatomy)',
        "model.eval()  # what was put in as well",
    ]


def _path(backbone: Backbone) -> str:
    """Return where the backbone is, from whatever folder one looks."""
    path = Path(backbone.path)
    return str(path.resolve()) if path.is_dir() else backbone.path


def _base(backbone: Backbone) -> str:
    return repr(_path(backbone)) + (f", revision={backbone.revision!r}" if backbone.revision else "")


def _how(backbone: Backbone) -> str:
    """Return what else loading the backbone takes."""
    keys = ", ".join(f"{name}={value!r}" for name, value in backbone.quantization_keys.items())
    return trusting(backbone) + (f", quantization_config=BitsAndBytesConfig({keys})" if keys else "")
