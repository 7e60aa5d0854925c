"""What scripts around transformers' Trainer have in common; an export puts it into the script of a kind of task."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import yaml
from datasets import load_dataset
from peft import PeftConfig, get_peft_model
from transformers import (
    AutoTokenizer,
    BitsAndBytesConfig,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
    set_seed,
)

__all__ = ["main"]

HERE = Path(__file__).parent


def main(
    auto_class: Any,
    encoder: Callable[[Any, dict[str, Any]], Callable[[dict[str, Any]], Any]],
    collator: Callable[[Any], Any],
    figures: Callable[[Any], dict[str, float]] | None = None,
    keep: Callable[[dict[str, Any]], bool] | None = None,
    unit: Callable[[Any, dict[str, Any]], tuple[Callable[..., Any] | None, Callable[[], None] | None]] | None = None,
    settle: Callable[[dict[str, float], dict[str, Any]], dict[str, Any]] | None = None,
    predictions: Callable[[Any, Any], Any] | None = None,
    defaults: dict[str, Any] | None = None,
    **config: Callable[[dict[str, Any]], Any],
) -> None:
    """Train, measure on the validation examples, and save the adapter with its head.

    Args:
        auto_class: Loads the model.
        encoder: Given a tokenizer and the settings, returns what makes tokens and labels of a row.
        collator: Given a tokenizer, returns what makes a batch.
        figures: Makes figures of predictions and labels.
        keep: Tells whether anything of a row is learned; all rows are kept when left out.
        unit: Given the model with its adapter and the settings, returns the loss, and what is to be done before saving;
            None for the model's own, and for nothing.
        settle: Given what validation reached and the settings, returns what the config is to say of it.
        predictions: Given logits and labels of a batch, returns what figures are made of; the logits when left out.
        defaults: Arguments of the Trainer that the task needs.
        config: What the task changes in the model's config, each made of the settings.
    """
    settings = yaml.safe_load((HERE / "training.yaml").read_text(encoding="utf8"))
    parser = HfArgumentParser(TrainingArguments)
    # Without a GPU transformers takes bf16 only when told so.
    cpu = {"use_cpu": not torch.accelerator.is_available()}
    parser.set_defaults(output_dir=str(HERE / "output"), **settings["arguments"] | cpu | (defaults or {}))
    (arguments,) = parser.parse_args_into_dataclasses()
    set_seed(arguments.seed)
    tokenizer = tokenizer_of(settings)
    quantization = settings["quantization"]
    base = auto_class.from_pretrained(
        located(settings),
        revision=settings["revision"],
        trust_remote_code=settings.get("trust_remote_code", False),
        pad_token_id=tokenizer.pad_token_id,
        quantization_config=BitsAndBytesConfig(**quantization) if quantization else None,
        **settings["backbone"],
        **{name: make(settings) for name, make in config.items()},
    )
    adapter = PeftConfig.from_pretrained(str(HERE))
    adapter.base_model_name_or_path = base.name_or_path
    model = get_peft_model(base, adapter)

    files = {split: str(HERE / "data" / f"{split}.jsonl") for split in ("train", "validation")}
    data = load_dataset("json", data_files=files)
    data = data.map(encoder(tokenizer, settings), remove_columns=data["train"].column_names)
    if keep is not None:
        data = data.filter(keep)
    loss, finish = (None, None) if unit is None else unit(model, settings)
    trainer = Trainer(
        model,
        arguments,
        collator(tokenizer),
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        processing_class=tokenizer,
        compute_loss_func=loss and share_of(loss, model, arguments),
        compute_metrics=figures,
        preprocess_logits_for_metrics=predictions,
        optimizers=(optimizer(model, arguments, settings["rates"]), None),
    )
    trainer.train(resume_from_checkpoint=arguments.resume_from_checkpoint)
    reached = trainer.evaluate()
    print(reached)
    if settle is not None:
        base.config.update(settle(reached, settings))
    if finish is not None:
        finish()
    # Else the folder of an installed copy would stand in what is saved.
    model.active_peft_config.base_model_name_or_path = settings["model"]
    trainer.save_model()
    base.config.save_pretrained(arguments.output_dir)


def share_of(loss: Callable[..., Any], model: Any, arguments: TrainingArguments) -> Callable[..., Any]:
    """Return a loss that is a mean over a batch as a share of that of the batches whose gradients are added up."""
    return lambda *given, **more: (
        loss(*given, **more) / (arguments.gradient_accumulation_steps if model.training else 1)
    )


def located(settings: dict[str, Any]) -> str:
    """Return the folder of the model's installed copy, where `package` names one that is there, else its address."""
    package, _, folder = (settings["package"] or "").partition("/")
    found = find_spec(package) if package else None
    return str(Path(found.origin).parent / folder) if found and found.origin else settings["model"]


def tokenizer_of(settings: dict[str, Any]) -> Any:
    """Return the tokenizer; one without a padding token pads with its end-of-text token."""
    tokenizer = AutoTokenizer.from_pretrained(
        located(settings),
        revision=settings["revision"],
        trust_remote_code=settings.get("trust_remote_code", False),
    )
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    # As in trials, whatever side the model's own is.
    tokenizer.padding_side = "right"
    return tokenizer


def optimizer(model: Any, arguments: TrainingArguments, rates: dict[str, float]) -> torch.optim.Optimizer:
    """Return AdamW with the learning rates of `rates`, each for the parameters with a word in their names."""
    groups: dict[float, list[Any]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            rate = next((rate for word, rate in rates.items() if f".{word}." in name), arguments.learning_rate)
            groups.setdefault(rate, []).append(parameter)
    return torch.optim.AdamW(
        [{"params": parameters, "lr": rate} for rate, parameters in groups.items()],
        weight_decay=arguments.weight_decay,
    )
