"""Trained adapters on disk, in PEFT's format: one folder per method where there are several."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from peft import PeftModel
from peft.utils.constants import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy, head_parameters, task_type_of
from autopeft.errors import ConfigurationError
from autopeft.methods.builder import applied, apply
from autopeft.methods.compressing import compress, starts_of, unpack
from autopeft.methods.compression import COMPRESSION
from autopeft.methods.registry import METHODS
from autopeft.methods.stored_task import stored_task_type
from autopeft.methods.tensors import MEND, PLACED, copy_into, restore, stored_tensors
from autopeft.space import Configuration

__all__ = [
    "BESIDE_MASK",
    "HEAD",
    "MANIFEST",
    "MASK",
    "PACKED",
    "copy_saved",
    "load",
    "read_manifest",
    "save",
    "save_plain",
    "write_manifest",
]

#: The file that says what a folder holds, and what to build from it.
MANIFEST = "autopeft.json"
#: The file of the task head, where it is in no adapter's file.
HEAD = "head.safetensors"
#: That of an adapter of which a part is kept, in few bytes; PEFT has none such.
PACKED = "adapter_model.packed.safetensors"
#: That of what is pruned of the backbone, and that of an adapter beside it, which PEFT shall not put beside the whole.
MASK = "mask.safetensors"
BESIDE_MASK = "adapter_model.beside_mask.safetensors"


def save(model: PreTrainedModel, folder: str | Path) -> None:
    """Write the adapters and the task head of a model, compressed first where its configuration says so.

    One method: a folder that `PeftModel.from_pretrained` loads, head included. Several: such a folder per
    method, and the head beside them. What is compressed is written packed, and what stands
    beside pruned weights under another name: `load` reads these, and PEFT does not. The
    configuration is written as `autopeft.json` in any case.

    Args:
        model: A model that `apply` adapted.
        folder: Where to write; made if need be.
    """
    compress(model)
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
        packed = done.packed.get(inserted.part.name)
        stored = stored_tensors(inserted, done.anatomy) if packed is None else packed
        tensors = {name: value.clone().contiguous() for name, value in stored.items()}
        if alone and head:
            config.task_type = stored_task_type(model, config)
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
        name = PACKED if packed is not None else BESIDE_MASK if done.pruners else SAFETENSORS_WEIGHTS_NAME
        save_file(tensors, str(target / name), metadata={"format": "pt"})
    for pruner in done.pruners:
        if pruner.pending:
            raise ConfigurationError("what is to be pruned has not been; expected a model at the end of its training")
        save_file(pruner.stored(), str(folder / MASK), metadata={"format": "pt"})
    if not alone and head:
        save_file(head, str(folder / HEAD), metadata={"format": "pt"})
    parts = [inserted.part.name for inserted in done.inserted]
    write_manifest(folder, done.configuration, parts, model.name_or_path or None)


def save_plain(model: PreTrainedModel, folder: str | Path, configuration: Configuration) -> None:
    """Write adapters that were compressed as PEFT has them, every number in its place.

    Args:
        model: A model that `load` put them into.
        folder: Where to write.
        configuration: What is written there of how they came about.
    """
    done = applied(model)
    done.packed.clear()
    save(model, folder)
    parts = [inserted.part.name for inserted in done.inserted]
    write_manifest(Path(folder), configuration, parts, model.name_or_path or None)


def copy_saved(folder: Path, to: Path) -> None:
    """Copy the files that `save` wrote, and none that were put beside them."""
    written = {MANIFEST, HEAD, CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME, PACKED, MASK, BESIDE_MASK}

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
        held = data["configuration"]
        if not all(isinstance(held[part], dict) for part in ("modules", "training")):
            raise TypeError("no configuration")
        return Configuration.from_dict(held), data.get("model")
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
    asked = COMPRESSION.asked(configuration.training)
    starts = None if asked is None else starts_of(configuration, model, anatomy)
    apply(configuration, model, anatomy, stored=True)
    done = applied(model)
    inserted = done.inserted
    head: dict[str, torch.Tensor] = {}
    for each in inserted:
        source = folder if len(inserted) == 1 else folder / each.part.name
        # An export to PEFT holds what was kept as PEFT has it.
        if asked is None or starts is None or not (source / PACKED).is_file():
            name = BESIDE_MASK if done.pruners else SAFETENSORS_WEIGHTS_NAME
            rest = restore(each, anatomy, _read(source / name), source)
        else:
            packed = _read(source / PACKED)
            rest = restore(each, anatomy, unpack(packed, starts[each.part.name], asked, source / PACKED), source)
            done.packed[each.part.name] = {name: value for name, value in packed.items() if name not in rest}
        head.update({key.removeprefix(PLACED).removeprefix("base_model."): value for key, value in rest.items()})
    for pruner in done.pruners:
        try:
            pruner.restore(_read(folder / MASK))
        except ValueError as error:
            raise ConfigurationError(f"{folder / MASK} does not fit the model: {error}; {MEND}") from error
    if (folder / HEAD).is_file():
        head.update(_read(folder / HEAD))
    copy_into(head, {name: parameter.detach() for name, parameter in head_parameters(model).items()}, folder)
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
