"""Fine-tune a causal language model with transformers' Trainer and the adapter of `adapter_config.json`.

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
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorForSeq2Seq,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
    set_seed,
)

HERE = Path(__file__).parent

#: Label of a token at which nothing is learned.
IGNORED = -100


def main() -> None:
    """Train, measure the loss on the validation examples, and save the adapter."""
    settings = yaml.safe_load((HERE / "training.yaml").read_text(encoding="utf8"))
    parser = HfArgumentParser(TrainingArguments)
    # Without a GPU transformers takes bf16 only when told so.
    cpu = {"use_cpu": not torch.accelerator.is_available()}
    parser.set_defaults(output_dir=str(HERE / "output"), **settings["arguments"] | cpu)
    (arguments,) = parser.parse_args_into_dataclasses()
    set_seed(arguments.seed)
    tokenizer = tokenizer_of(settings)
    quantization = settings["quantization"]
    base = AutoModelForCausalLM.from_pretrained(
        located(settings),
        revision=settings["revision"],
        trust_remote_code=settings.get("trust_remote_code", False),
        quantization_config=BitsAndBytesConfig(**quantization) if quantization else None,
        **settings["backbone"],
    )
    adapter = PeftConfig.from_pretrained(str(HERE))
    adapter.base_model_name_or_path = base.name_or_path
    model = get_peft_model(base, adapter)

    files = {split: str(HERE / "data" / f"{split}.jsonl") for split in ("train", "validation")}
    data = load_dataset("json", data_files=files)
    data = data.map(encoder(tokenizer, settings), remove_columns=data["train"].column_names)
    data = data.filter(lambda row: any(label != IGNORED for label in row["labels"][1:]))
    trainer = Trainer(
        model,
        arguments,
        DataCollatorForSeq2Seq(tokenizer),
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        processing_class=tokenizer,
        optimizers=(optimizer(model, arguments, settings["rates"]), None),
    )
    trainer.train(resume_from_checkpoint=arguments.resume_from_checkpoint)
    print(trainer.evaluate())
    # Else the folder of an installed copy would stand in what is saved.
    model.active_peft_config.base_model_name_or_path = settings["model"]
    trainer.save_model()
    base.config.save_pretrained(arguments.output_dir)


def encoder(tokenizer: Any, settings: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, list[int]]]:
    """Return what makes tokens of a row, each with its own id as label where it is learned."""

    def encode(row: dict[str, Any]) -> dict[str, list[int]]:
        # `data` holds the text as the model reads it, and which stretches of it are learned, in characters.
        found = tokenizer(row["text"], add_special_tokens=False, return_offsets_mapping=True)
        learned = [
            any(start <= first and last <= end and first < last for start, end in row["learned"])
            for first, last in found["offset_mapping"]
        ]
        ids = found["input_ids"]
        labels = [token if mark else IGNORED for token, mark in zip(ids, learned, strict=True)]
        return {"input_ids": ids[: settings["max_length"]], "labels": labels[: settings["max_length"]]}

    return encode


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
