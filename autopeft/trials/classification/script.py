"""Fine-tune a text classifier with transformers' Trainer and the adapter of `adapter_config.json`.

Settings are in `training.yaml`; arguments of `TrainingArguments` given on the command line win, as `--max_steps 10`.
"""

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
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorWithPadding,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
    set_seed,
)

HERE = Path(__file__).parent


def main() -> None:
    """Train, measure on the validation examples, and save adapter and head."""
    settings = yaml.safe_load((HERE / "training.yaml").read_text(encoding="utf8"))
    parser = HfArgumentParser(TrainingArguments)
    # Without a GPU transformers takes bf16 only when told so.
    cpu = {"use_cpu": not torch.accelerator.is_available()}
    parser.set_defaults(output_dir=str(HERE / "output"), **settings["arguments"] | cpu)
    (arguments,) = parser.parse_args_into_dataclasses()
    set_seed(arguments.seed)
    tokenizer = tokenizer_of(settings)
    labels: list[str] = settings["labels"]
    quantization = settings["quantization"]
    base = AutoModelForSequenceClassification.from_pretrained(
        located(settings),
        revision=settings["revision"],
        trust_remote_code=settings.get("trust_remote_code", False),
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        pad_token_id=tokenizer.pad_token_id,
        quantization_config=BitsAndBytesConfig(**quantization) if quantization else None,
        **settings["backbone"],
    )
    adapter = PeftConfig.from_pretrained(str(HERE))
    adapter.base_model_name_or_path = base.name_or_path
    model = get_peft_model(base, adapter)

    files = {split: str(HERE / "data" / f"{split}.jsonl") for split in ("train", "validation")}
    data = load_dataset("json", data_files=files)
    data = data.map(encoder(tokenizer, settings), remove_columns=data["train"].column_names)
    trainer = Trainer(
        model,
        arguments,
        DataCollatorWithPadding(tokenizer),
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        processing_class=tokenizer,
        compute_metrics=accuracy,
        optimizers=(optimizer(model, arguments, settings["rates"]), None),
    )
    trainer.train(resume_from_checkpoint=arguments.resume_from_checkpoint)
    print(trainer.evaluate())
    # Else the folder of an installed copy would stand in what is saved.
    model.active_peft_config.base_model_name_or_path = settings["model"]
    trainer.save_model()
    base.config.save_pretrained(arguments.output_dir)


def encoder(tokenizer: Any, settings: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """Return what makes tokens and the number of the label of a row."""
    number = {label: index for index, label in enumerate(settings["labels"])}

    def encode(row: dict[str, Any]) -> Any:
        texts = [row[column] for column in ("text", "text2") if column in row]
        found = tokenizer(*texts, truncation=True, max_length=settings["max_length"])
        return {**found, "labels": number[row["label"]]}

    return encode


def accuracy(found: Any) -> dict[str, float]:
    """Return the share of labels that are right."""
    return {"accuracy": float((found.predictions.argmax(axis=-1) == found.label_ids).mean())}


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


if __name__ == "__main__":
    main()
