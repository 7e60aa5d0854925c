"""How a configuration was trained, in words of no tool and in those of transformers' Trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml

from autopeft.exporting.job import ExportJob
from autopeft.methods.builder import Part, plan
from autopeft.methods.forward_only import forward_only_of
from autopeft.trials import steps_of

__all__ = [
    "TRAINING",
    "adapter_rate",
    "backbone_dropout",
    "copy_notes",
    "on_cpu",
    "only_part",
    "rates",
    "trainer_arguments",
    "training_steps",
    "trust",
    "warmup_steps",
    "where_trained",
    "write_training",
    "write_yaml",
]

#: File beside an export with what its target has no keys for.
TRAINING = "training.yaml"


def only_part(job: ExportJob) -> Part:
    """Return the part of a configuration that has no more than one."""
    [part] = plan(job.configuration)
    return part


def adapter_rate(job: ExportJob, part: Part) -> float:
    """Return the peak learning rate of a part."""
    training, own = job.configuration.training, next(iter(part.cells.values())).get("learning_rate")
    return float(training["learning_rate"] if own is None else own)


def rates(job: ExportJob) -> dict[str, float]:
    """Return the peak learning rates that are not the adapter's, by a word in the names of parameters."""
    part = only_part(job)
    factors = part.method.rate_factors(part.cells)
    others = {word: factor * adapter_rate(job, part) for word, factor in factors.items()}
    return {"modules_to_save": job.setting.head_learning_rate, **others} if job.kind.has_head else others


def backbone_dropout(job: ExportJob) -> dict[str, float]:
    """Return the settings of the backbone's config that switch off its dropout, as it was in trials."""
    return {
        name: 0.0
        for name, value in job.backbone.config.to_dict().items()
        if ("dropout" in name or name.endswith("_pdrop")) and isinstance(value, float) and value > 0
    }


def training_steps(job: ExportJob) -> int:
    """Return the optimiser steps of a training on the whole training split."""
    return steps_of(len(job.task.train), job.setting.epochs, job.setting.batch_size)


def warmup_steps(job: ExportJob) -> int:
    """Return those of them in which learning rates rise."""
    return round(job.setting.warmup * training_steps(job))


def on_cpu() -> bool:
    """Tell whether this machine trains on its CPU."""
    return not torch.accelerator.is_available()


def trust(job: ExportJob) -> dict[str, Any]:
    """Return what lets code run that the model brings, as it ran in the search."""
    return {"trust_remote_code": True} if job.backbone.runs_own_code else {}


def where_trained(job: ExportJob) -> dict[str, Any]:
    """Return what transformers wants to be told of a machine without a GPU before it takes bf16."""
    return {"use_cpu": True} if on_cpu() and job.setting.precision == "bf16" else {}


def trainer_arguments(job: ExportJob) -> dict[str, Any]:
    """Return the fields of transformers' `TrainingArguments`."""
    setting = job.setting
    return {
        "learning_rate": adapter_rate(job, only_part(job)),
        "lr_scheduler_type": "linear",
        "warmup_steps": warmup_steps(job),
        "weight_decay": setting.weight_decay,
        "num_train_epochs": setting.epochs,
        "per_device_train_batch_size": setting.batch_size,
        "seed": job.seed,
        "bf16": setting.precision == "bf16",
        **({"gradient_checkpointing": True} if setting.gradient_checkpointing else {}),
    }


def write_training(job: ExportJob, folder: Path) -> None:
    """Write `training.yaml`: everything about the training, for targets that hold none of it."""
    setting = job.setting
    parts = plan(job.configuration)
    data: dict[str, Any] = {
        "model": job.backbone.address,
        "package": job.backbone.package,
        "revision": job.backbone.revision,
        "learning_rate": {part.name: adapter_rate(job, part) for part in parts},
        "head_learning_rate": setting.head_learning_rate if job.kind.has_head else None,
        "optimizer": "AdamW" if forward_only_of(job.configuration.training) is None else "none: forward passes alone",
        "weight_decay": setting.weight_decay,
        "schedule": "linear",
        "warmup": setting.warmup,
        "batch_size": setting.batch_size,
        "epochs": setting.epochs,
        "examples": setting.examples,
        "max_length": setting.max_length,
        "precision": setting.precision,
        "gradient_checkpointing": setting.gradient_checkpointing or None,
        "seed": job.seed,
        "training": {key: value for key, value in job.configuration.training.items() if key != "learning_rate"} or None,
        "data": job.configuration.data or None,
        "quantization": job.backbone.quantization_keys or None,
        "backbone": backbone_dropout(job) or None,
    }
    write_yaml(folder / TRAINING, {key: value for key, value in data.items() if value is not None}, job)


def write_yaml(path: Path, data: dict[str, Any], job: ExportJob) -> None:
    """Write plain data as YAML, keys in their order, below a line that says where it comes from."""
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    path.write_text(f"# {job.came_from}\n{text}", encoding="utf8")


def copy_notes(job: ExportJob) -> tuple[str, ...]:
    """Say where the model is loaded from, where that is an installed copy."""
    if job.backbone.package is None:
        return ()
    return (
        f"The model is {job.backbone.address}; the copy of the same weights in the package "
        f"{job.backbone.package.partition('/')[0]} is loaded where that is installed, without the hub.",
    )
