"""Fine-tune a causal language model with transformers' Trainer and the adapter of `adapter_config.json`.

Settings are in `training.yaml`; arguments of `TrainingArguments` given on the command line win, as `--max_steps 10`.
"""

from __future__ import annotations

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
    parser.set_defaults(output_dir=str(HERE / "output"), **settings["arguments"])
    (arguments,) = parser.parse_args_into_dataclasses()
    set_seed(arguments.seed)
    tokenizer = AutoTokenizer.from_pretrained(settings["model"], revision=settings["revision"])
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    quantization = settings["quantization"]
    base = AutoModelForCausalLM.from_pretrained(
        settings["model"],
        revision=settings["revision"],
        quantization_config=BitsAndBytesConfig(**quantization) if quantization else None,
        **settings["backbone"],
    )
    model = get_peft_model(base, PeftConfig.from_pretrained(str(HERE)))

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

    files = {split: str(HERE / "data" / f"{split}.jsonl") for split in ("train", "validation")}
    data = load_dataset("json", data_files=files)
    data = data.map(encode, remove_columns=data["train"].column_names)
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
    trainer.save_model()


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
