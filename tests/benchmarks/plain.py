"""The plain way to search, as a careful user would script it: Optuna, and transformers' Trainer for each trial.

One process, fp32, batches padded to their longest text; only data and models come from autopeft. Run by
`engine.py` on given configurations; by itself it searches the default job with TPE:
`python -m tests.benchmarks.plain --trials 24`.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import optuna
import torch
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments, set_seed
from transformers.trainer_callback import PrinterCallback

from autopeft.launch import Preparation, SearchPlan, prepare
from autopeft.methods import adapter_parameters, apply
from autopeft.space import Configuration
from autopeft.tasks import Encoded, encode
from autopeft.trials import TrialSetting, draw, parameter_groups, schedule


def data_of(job: Preparation) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Tokenise the examples that every trial sees; return the rows of both splits."""
    tokenizer = job.backbone.tokenizer()
    train, validation = draw(job.task, job.setting)
    return tuple(_rows(encode(split, tokenizer, job.setting.max_length)) for split in (train, validation))  # type: ignore[return-value]


def train_once(job: Preparation, data: Any, configuration: Configuration, seed: int) -> tuple[int, float]:
    """Fine-tune one configuration; return its trainable adapter parameters and its accuracy on validation."""
    set_seed(seed)
    setting: TrialSetting = job.setting
    model = job.backbone.classifier(len(job.task.schema.labels))
    apply(configuration, model, job.backbone.anatomy, seed=seed)
    optimiser = torch.optim.AdamW(parameter_groups(model, setting), weight_decay=setting.weight_decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule(setting.steps, setting.warmup))
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            scratch,
            num_train_epochs=setting.epochs,
            per_device_train_batch_size=setting.batch_size,
            per_device_eval_batch_size=2 * setting.batch_size,
            use_cpu=not torch.cuda.is_available(),
            seed=seed,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        trainer = Trainer(
            model,
            arguments,
            DataCollatorWithPadding(job.backbone.tokenizer()),
            train_dataset=data[0],
            eval_dataset=data[1],
            compute_metrics=lambda found: {"accuracy": (found.predictions.argmax(-1) == found.label_ids).mean()},
            optimizers=(optimiser, scheduler),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        accuracy = float(trainer.evaluate()["eval_accuracy"])
    return sum(parameter.numel() for parameter in adapter_parameters(model).values()), accuracy


def search(
    job: Preparation,
    trials: int,
    seed: int = 0,
    given: Sequence[dict[str, Any]] = (),
    after: Callable[[optuna.Study, optuna.trial.FrozenTrial], None] | None = None,
) -> optuna.Study:
    """Search with TPE, given parameters first.

    Args:
        job: What to train, and the space.
        trials: How many trials.
        seed: Of the sampler and of every trial.
        given: Parameters of the first trials.
        after: Called after each trial.
    """
    data = data_of(job)
    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
    for params in given:
        study.enqueue_trial(params)

    def objective(trial: optuna.Trial) -> tuple[int, float]:
        return train_once(job, data, job.space.suggest(trial), seed)

    study.optimize(objective, trials, callbacks=None if after is None else [after])
    return study


def _rows(encoded: Encoded) -> list[dict[str, Any]]:
    return [
        {key: values[row] for key, values in encoded.inputs.items()} | {"labels": int(encoded.labels[row])}
        for row in range(len(encoded))
    ]


def _tell(began: float, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    print(f"{trial.number}: {trial.values} after {time.perf_counter() - began:.0f} s", flush=True)


def main() -> None:
    """Search the default job with TPE and print each trial with the time passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=24)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    job = prepare(SearchPlan.of({"precision": "fp32"}))
    search(job, given.trials, after=partial(_tell, time.perf_counter()))


if __name__ == "__main__":
    main()
