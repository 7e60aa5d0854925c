"""Fine-tune one configuration with transformers' Trainer or TRL's, and save what was trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from transformers import PreTrainedModel, Trainer, TrainingArguments, set_seed
from transformers.trainer_callback import PrinterCallback

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError
from autopeft.launch.labels_lost import labels_lost
from autopeft.levers import scores_named
from autopeft.methods import adapter_parameters, apply, optimiser_of, stays_in_layers
from autopeft.space import Configuration
from autopeft.study import locked, prepare_folder
from autopeft.tasks import Encoded, Task, pad_id_of
from autopeft.tasks.splits import HELD_OUT
from autopeft.training.card import card_of
from autopeft.training.checkpoints import last_whole, without_code
from autopeft.training.identity import CHECKPOINTS, check_identity, identity_of
from autopeft.training.measuring import Paper, measure, paper
from autopeft.training.reports import check_reports
from autopeft.training.result import REPLACED, FineTuned, read_result, write_result
from autopeft.training.trainer import Hooks, ours, train_adapters_only
from autopeft.trials import (
    FEW_BATCHES,
    Material,
    TrialKind,
    TrialSetting,
    few_batches,
    kind_of,
    parameter_groups,
    pick_device,
    recompute_layers,
    reset_head,
    schedule,
    steps_of,
    train_first,
)
from autopeft.trials.finishing import finish
from autopeft.trials.scores import kept_scores, score_rows
from autopeft.trials.settled import settle
from autopeft.trials.stopwatch import Stopwatch
from autopeft.whole_folder import check_replaceable

__all__ = ["fine_tune"]

#: A training is measured on validation once an epoch, but at least and at most so often.
_LEAST_MEASURED, _MOST_MEASURED = 4, 20


def fine_tune(
    configuration: Configuration,
    backbone: Backbone,
    task: Task,
    setting: TrialSetting,
    out: Path,
    *,
    seed: int = 0,
    report_to: Sequence[str] = (),
    progress: bool = False,
    origin: str = "",
    keep_checkpoints: bool = False,
) -> FineTuned:
    """Train a configuration and write its adapters and head, with what they reach on validation and test.

    Training is that of a trial, but all examples of the training split are seen, and of the states measured on
    validation the best is kept. Run again on the same folder it goes on where it was stopped; finished, it only reads
    what is there.

    Args:
        configuration: What to build and train.
        backbone: The pretrained model.
        task: The data; `test` is read once, at the end.
        setting: Epochs, batches, learning rate of the head, precision; its `examples` are not looked at.
        out: Folder for the result, which `README.md` there explains; until then of checkpoints.
        seed: Seeds head, adapters, dropout of adapters and the order of texts.
        report_to: Where to report, by transformers' names: `tensorboard`, `wandb`, `mlflow`.
        progress: Whether to show a progress bar.
        origin: Where the configuration is from, for the card.
        keep_checkpoints: Whether to keep checkpoints when it has finished.

    Raises:
        AutopeftError: When nothing would train, TRL or what is reported to is not installed, or the folder holds
            another training, or files of the user's.
    """
    check_reports(report_to)
    base = kind_of(task).trainer_class()
    check_replaceable(out, REPLACED)
    prepare_folder(out)
    with locked(out):
        identity = identity_of(configuration, backbone, task, setting, seed)
        if check_identity(out, identity):
            return read_result(out)
        task = kind_of(task).standing(_scored(configuration, backbone, task, setting, seed, out), backbone, setting)
        arguments = partial(_arguments, setting, seed, out / CHECKPOINTS, task, report_to, progress)
        model, papers, steps, best = _trained(configuration, backbone, task, setting, seed, base, arguments)
        params = sum(parameter.numel() for parameter in adapter_parameters(model).values())
        finish(model)
        tokenizer = backbone.tokenizer()
        validation = measure(model, papers["validation"], tokenizer, setting)
        settle(model.config, validation.settled)
        found = FineTuned(
            out,
            validation.figures,
            measure(model, papers["test"], tokenizer, setting).figures,
            params,
            steps,
            best,
        )
        whole = replace(setting, examples=len(task.train))
        lost = labels_lost([configuration.data], task, whole, task.scores)
        card = card_of(configuration, backbone, task, setting, seed, found, origin, remarks=lost)
        write_result(model, found, identity, card, setting, keep_checkpoints=keep_checkpoints)
    return found


def _scored(
    configuration: Configuration, backbone: Backbone, task: Task, setting: TrialSetting, seed: int, out: Path
) -> Task:
    """Return a task that knows of its training rows what the data levers go by; kept among the checkpoints."""
    scores = scores_named(configuration.data)
    if not scores:
        return task
    whole = replace(setting, examples=len(task.train))
    compute = partial(score_rows, backbone, task, whole, seed)
    known = kept_scores(out / CHECKPOINTS, backbone.identity, task, whole, seed, scores, compute)
    return replace(task, scores=known)


def _trained(
    configuration: Configuration,
    backbone: Backbone,
    task: Task,
    setting: TrialSetting,
    seed: int,
    base: type[Trainer],
    arguments: Callable[[int], TrainingArguments],
) -> tuple[PreTrainedModel, dict[str, Paper], int, int]:
    """Train, from the last checkpoint on if there is one.

    Returns:
        The model in its best state, what it is to be measured on, how many steps there were, and after how many it was
        best.
    """
    set_seed(seed)
    kind = kind_of(task).under(setting).weighed(configuration.training).by_levers(configuration.data)
    tokenizer = backbone.tokenizer()
    pad_id = pad_id_of(tokenizer)
    model = kind.model(backbone, pick_device())
    model.config.use_cache = False
    papers = {name: paper(task, name, model, tokenizer, setting) for name in HELD_OUT}

    def encoded(split: Any) -> Encoded:
        return kind.with_reference(model, kind.encode(split, tokenizer, setting.max_length), setting, pad_id)

    material = Material(kind, task, np.arange(len(task.train)), encoded, setting.max_length, setting.seed)
    learned, train = material.learned(configuration.data), material.train
    _build(configuration, model, backbone, kind, train, setting, pad_id, seed)
    steps = steps_of(train.examples, setting.epochs, setting.batch_size)
    how = _on_one_card(kind.trainer_arguments(arguments(steps)))
    checkpoints = Path(str(how.output_dir))
    groups = parameter_groups(model, setting, kind.rate_factors(model))
    if not groups:
        raise ConfigurationError(
            "the untouched language model has nothing to train; pick a configuration with adapters"
        )
    last = last_whole(checkpoints)
    if last is None:
        whole = replace(setting, examples=train.examples, early_stopping=False)
        loop = {"kind": kind, "pad_id": pad_id, "seed": seed, "busy": Stopwatch(), "at_once": setting.batch_size}
        train_first(model, learned.taken, whole, groups, **loop, feed=lambda rows, longest: None)
    optimiser = optimiser_of(model, groups, setting.weight_decay, seed)
    rows = _rows(*learned)
    trainer: Any = ours(base)(
        model,
        args=how,
        data_collator=kind.collator(learned.encoded, tokenizer, pad_id),
        train_dataset=rows,
        # Held-out examples are measured as in trials; the Trainer only wants to know that there are some.
        eval_dataset=rows,
        processing_class=tokenizer,
        callbacks=[Hooks()],
        optimizers=(optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, schedule(steps, setting.warmup))),
    )
    trainer.kind, trainer.precision = kind, setting.precision
    trainer.held_out = papers["validation"].batches
    trainer.remove_callback(PrinterCallback)
    with without_code(last):
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
    # The Trainer's forward computes in bf16 whoever calls it; what comes now chooses its precision itself.
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    return model, papers, steps, trainer.state.best_global_step or steps


def _build(
    configuration: Configuration,
    model: PreTrainedModel,
    backbone: Backbone,
    kind: TrialKind,
    train: Encoded,
    setting: TrialSetting,
    pad_id: int,
    seed: int,
) -> None:
    """Put a configuration into an untouched model as a trial does."""
    reset_head(model, seed, configuration)
    chosen = np.random.default_rng(seed).permutation(train.examples)[: FEW_BATCHES * setting.batch_size]
    few = train.take(train.rows_of(chosen))
    on_device = few_batches(kind, few, setting.batch_size, pad_id, model.device)
    kind.begin(model, on_device)
    apply(configuration, model, backbone.anatomy, seed=seed, batches=on_device)
    train_adapters_only(model)
    if setting.gradient_checkpointing and stays_in_layers(configuration):
        recompute_layers(model)
    if backbone.quantization is not None:
        # The Trainer takes quantised models only with transformers' own note that they have adapters.
        model._hf_peft_config_loaded = True


def _arguments(
    setting: TrialSetting,
    seed: int,
    checkpoints: Path,
    task: Task,
    report_to: Sequence[str],
    progress: bool,
    steps: int,
) -> TrainingArguments:
    judge = task.metric if task.judge.quick else "loss"
    measured = min(max(_LEAST_MEASURED, round(setting.epochs)), _MOST_MEASURED)
    every = max(1, -(-steps // measured))
    return TrainingArguments(
        str(checkpoints),
        max_steps=steps,
        per_device_train_batch_size=setting.batch_size,
        train_sampling_strategy="group_by_length",
        bf16=setting.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        seed=seed,
        logging_steps=max(1, every // 4),
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{judge}",
        greater_is_better=task.judge.quick and task.judge.direction == "maximize",
        report_to=list(report_to) or "none",
        disable_tqdm=not progress,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _on_one_card(arguments: TrainingArguments) -> TrainingArguments:
    """Keep a Trainer to the card of its model: with all that it sees, batches would be as many times as large."""
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1
    return arguments


def _rows(encoded: Encoded, chosen: NDArray[np.int64]) -> Dataset:
    """Return some examples as the rows that a Trainer collates, each with its number."""
    if encoded.example is not None or "input_ids" not in encoded.inputs:
        # Examples are drawn, with all their rows.
        rows = np.arange(len(encoded)) if encoded.example is None else encoded.example
        lengths = np.bincount(rows, encoded.lengths).astype(int)
        return Dataset.from_dict({"row": chosen, "length": lengths[chosen]})
    labels = {} if encoded.labels is None else {"labels": encoded.labels[chosen].tolist()}
    inputs = {name: [values[row] for row in chosen] for name, values in encoded.inputs.items()}
    return Dataset.from_dict({**inputs, **labels, "row": chosen})
