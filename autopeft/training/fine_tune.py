"""Fine-tune one configuration with transformers' Trainer, and save what was trained."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from transformers import DataCollatorForSeq2Seq, DataCollatorWithPadding, Trainer, TrainingArguments, set_seed
from transformers.trainer_callback import PrinterCallback, TrainerCallback

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError
from autopeft.methods import after_step, apply, before_step, penalty, save, switch_training
from autopeft.space import Configuration
from autopeft.tasks import CausalTask, Encoded, Task, batches, collate, grouped, pad_id_of
from autopeft.trials import FEW_BATCHES, TrialSetting, kind_of, parameter_groups, pick_device, schedule

__all__ = ["METRICS_FILE", "fine_tune"]

#: File beside the adapters with what was measured.
METRICS_FILE = "metrics.json"


def fine_tune(
    configuration: Configuration,
    backbone: Backbone,
    task: Task | CausalTask,
    setting: TrialSetting,
    out: Path,
    *,
    seed: int = 0,
    progress: bool = False,
) -> dict[str, float]:
    """Train a configuration and write its adapters and head, with what they reach on validation.

    Unlike in a trial, the backbone's dropout is on and all examples of the training split are seen, those of the
    setting's validation examples too.

    Args:
        configuration: What to build and train.
        backbone: The pretrained model.
        task: The data; `test` is not touched.
        setting: Epochs, batches, learning rate of the head, precision; its `examples` are not looked at.
        out: Folder for what `autopeft.methods.load` reads, and `metrics.json`.
        seed: Seeds head, adapters, dropout and the order of texts.
        progress: Whether to show a progress bar.

    Returns:
        Every metric on validation, and `loss`.

    Raises:
        ConfigurationError: When nothing would train.
    """
    set_seed(seed)
    device = pick_device()
    kind = kind_of(task)
    model = kind.model(backbone, device)
    tokenizer = backbone.tokenizer()
    pad_id = pad_id_of(tokenizer)
    train, validation = (kind.encode(split, tokenizer, setting.max_length) for split in (task.train, task.validation))
    few = np.random.default_rng(seed).permutation(len(train))[: FEW_BATCHES * setting.batch_size]
    apply(
        configuration,
        model,
        backbone.anatomy,
        seed=seed,
        batches=[
            {key: value.to(device) for key, value in batch.items()}
            for batch in batches(train.take(few), setting.batch_size, pad_id)
        ],
    )
    groups = parameter_groups(model, setting)
    if not groups:
        raise ConfigurationError(
            "the untouched language model has nothing to train; pick a configuration with adapters"
        )
    optimiser = torch.optim.AdamW(groups, weight_decay=setting.weight_decay)
    if backbone.quantization is not None:
        # The Trainer takes quantised models only with transformers' own note that they have adapters.
        model._hf_peft_config_loaded = True
    steps = max(1, round(setting.epochs * -(-len(train) // setting.batch_size)))
    with TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            scratch,
            max_steps=steps,
            per_device_train_batch_size=setting.batch_size,
            train_sampling_strategy="group_by_length",
            bf16=setting.precision == "bf16",
            use_cpu=not torch.cuda.is_available(),
            seed=seed,
            save_strategy="no",
            report_to="none",
            disable_tqdm=not progress,
            dataloader_pin_memory=torch.cuda.is_available(),
        )
        trainer = _Trainer(
            model,
            arguments,
            DataCollatorForSeq2Seq(tokenizer) if kind.each_token else DataCollatorWithPadding(tokenizer),
            train_dataset=_rows(train),
            callbacks=[_Hooks()],
            optimizers=(optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, schedule(steps, setting.warmup))),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    switch_training(model, False)
    held_out = [(rows, collate(validation, rows, pad_id)) for rows in grouped(validation, 2 * setting.batch_size)]
    metrics = kind.measure(model.eval(), held_out, setting.precision, lambda rows, longest: None)
    save(model, out)
    (out / METRICS_FILE).write_text(json.dumps({"validation": metrics, "steps": steps}, indent=2) + "\n", "utf8")
    return metrics


class _Trainer(Trainer):
    """A Trainer whose loss has what the methods add to it."""

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
        extra = penalty(self.accelerator.unwrap_model(model)) if model.training else None
        loss = loss if extra is None else loss + extra
        return (loss, outputs) if return_outputs else loss


class _Hooks(TrainerCallback):
    """Lets the methods see each optimiser step."""

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        before_step(kwargs["model"])

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        after_step(kwargs["model"], state.global_step + 1, state.max_steps)


def _rows(encoded: Encoded) -> Any:
    """Return the texts as the rows that a Trainer collates."""
    rows = [dict(zip(encoded.inputs, values, strict=True)) for values in zip(*encoded.inputs.values(), strict=True)]
    if encoded.labels is None:
        return rows
    return [row | {"labels": int(label)} for row, label in zip(rows, encoded.labels, strict=True)]
