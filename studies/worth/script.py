"""The careful script: what somebody writes who knows Optuna, transformers and PEFT, and has an afternoon.

TPE proposes LoRA's rank, matrices, layers, scale and learning rate; each trial is transformers' Trainer over a model of
PEFT's in bf16, on as many examples as a trial of autopeft; the best on validation is taken. Only data, models, the
metric and the names of matrices come from autopeft.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import optuna
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import Trainer, TrainingArguments, set_seed
from transformers.trainer_callback import PrinterCallback

from autopeft.backbones import head_parameters
from autopeft.launch import Preparation
from autopeft.methods import VOCABULARY
from autopeft.space import Configuration, canonical
from autopeft.tasks import pad_id_of
from autopeft.training.measuring import measure
from autopeft.trials import draw, kind_of
from autopeft.trials.head import reset_head
from autopeft.trials.trainer import batch_of_rows

__all__ = ["searched"]

#: What it searches.
_RANKS = (1, 2, 4, 8, 16, 32)
_TARGETS = ("q,v", "q,k,v,o", "all")
_LAYERS = (1.0, 0.5)
_RATES = (1e-4, 2e-2)

#: Rows that tell how frequent labels are.
_FEW = 512

#: Threads of a trial: one at a time has the whole machine.
_THREADS = 2


def searched(prepared: Preparation, seed: int, seconds: float) -> Configuration:
    """Search until the time is over; return the best configuration within the budget.

    Args:
        prepared: A search on the task, for its data, its budget and how long trials are.
        seed: Seed of the sampler and of every trial.
        seconds: For how long trials begin.
    """
    torch.set_num_threads(_THREADS)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(lambda trial: _objective(prepared, trial, seed), timeout=seconds, catch=(RuntimeError,))
    return _written(prepared, study.best_params)


def _objective(prepared: Preparation, trial: optuna.Trial, seed: int) -> float:
    params = {
        "rank": trial.suggest_categorical("rank", _RANKS),
        "targets": trial.suggest_categorical("targets", _TARGETS),
        "layers": trial.suggest_categorical("layers", _LAYERS),
        "rate": trial.suggest_float("rate", *_RATES, log=True),
    }
    if prepared.costs.params(_written(prepared, params)) > prepared.scale.limit:
        raise optuna.TrialPruned
    return _trained(prepared, params, seed)


def _written(prepared: Preparation, params: Mapping[str, Any]) -> Configuration:
    """Return what a trial trained in autopeft's words, so that everybody's picks are trained alike."""
    shape = prepared.backbone.shape
    targets = [*shape.roles] if params["targets"] == "all" else params["targets"].split(",")
    first = shape.layers - round(params["layers"] * shape.layers)
    lora = {
        "rank": params["rank"],
        "alpha": 2.0 * params["rank"],
        "targets": targets,
        "layers": list(range(first, shape.layers)),
    }
    written = {"modules": {"lora": lora}, "training": {"learning_rate": params["rate"]}}
    return canonical(written, VOCABULARY, shape)


def _trained(prepared: Preparation, params: Mapping[str, Any], seed: int) -> float:
    """Train one configuration; return what it reaches on validation."""
    set_seed(seed)
    setting, tokenizer, anatomy = prepared.setting, prepared.backbone.tokenizer(), prepared.backbone.anatomy
    kind = kind_of(prepared.task).under(setting)
    model = kind.model(prepared.backbone, torch.device("cpu"))
    head = sorted({name.rpartition(".")[0] for name in head_parameters(model)})
    reset_head(model, seed)
    train, _ = draw(prepared.task, setting)
    encoded = kind.encode(train, tokenizer, setting.max_length)
    pad_id = pad_id_of(tokenizer)
    # As trials do: the head begins with how frequent labels are, and the backbone's dropout is off.
    kind.begin(model, [kind.collate(encoded, np.arange(min(len(encoded), _FEW)), pad_id)])
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    lora = _written(prepared, params).modules["lora"]
    names = [anatomy.module(layer, role) for layer in lora["layers"] for role in lora["targets"]]
    config = LoraConfig(r=lora["rank"], lora_alpha=lora["alpha"], target_modules=names, modules_to_save=head or None)
    adapted = get_peft_model(model, config)
    free = {name: each for name, each in adapted.named_parameters() if each.requires_grad}
    groups = [
        {"params": [each for name, each in free.items() if "lora_" in name], "lr": params["rate"]},
        {"params": [each for name, each in free.items() if "lora_" not in name], "lr": setting.head_learning_rate},
    ]
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            scratch,
            num_train_epochs=setting.epochs,
            per_device_train_batch_size=setting.batch_size,
            lr_scheduler_type="linear",
            warmup_steps=round(setting.warmup * setting.steps),
            use_cpu=True,
            train_sampling_strategy="group_by_length",
            bf16=setting.precision == "bf16",
            seed=seed,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=False,
        )
        optimiser = torch.optim.AdamW([group for group in groups if group["params"]], weight_decay=setting.weight_decay)
        trainer = Trainer(
            adapted,
            arguments,
            partial(_collate, batch_of_rows(kind, encoded, pad_id)),
            train_dataset=Dataset.from_dict({"row": range(encoded.examples), "length": encoded.lengths.tolist()}),
            optimizers=(optimiser, None),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return measure(trainer.model, prepared.task, "validation", tokenizer, setting).figures[prepared.task.metric]


def _collate(batch_of: Callable[[Sequence[dict[str, Any]]], Mapping[str, Any]], rows: Sequence[dict[str, Any]]) -> Any:
    """Return a batch with labels of the type that transformers' models want."""
    batch = dict(batch_of(rows))
    if batch["labels"].dtype == torch.uint8:
        batch["labels"] = batch["labels"].float()
    return batch
